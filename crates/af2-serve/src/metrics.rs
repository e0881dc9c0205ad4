//! Counters in Prometheus' text format.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;

use crate::queue::Queue;

/// Upper bounds of the histogram of answering times, in seconds.
const BOUNDS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// Statuses that this server gives; others are counted as 0.
const STATUSES: [u16; 14] = [200, 400, 401, 403, 404, 405, 408, 413, 415, 429, 431, 500, 503, 0];

/// What happened since the start.
#[derive(Default)]
pub(crate) struct Metrics {
    responses: [AtomicU64; STATUSES.len()],
    /// Answers by [`BOUNDS`], each in its own bucket only, the last for longer ones.
    answers: [AtomicU64; BOUNDS.len() + 1],
    answer_microseconds: AtomicU64,
    prompt_tokens: AtomicU64,
    answer_tokens: AtomicU64,
    /// The last request failed because the device was lost.
    pub lost: AtomicBool,
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Metrics {
    /// Counts a response.
    pub fn response(&self, status: StatusCode) {
        let at = STATUSES.iter().position(|known| *known == status.as_u16()).unwrap_or(STATUSES.len() - 1);
        add(&self.responses[at], 1);
    }

    /// Counts an answer that took so long, waiting included.
    pub fn answer(&self, time: Duration, prompt_tokens: usize, answer_tokens: usize) {
        let seconds = time.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        add(&self.answers[bucket], 1);
        add(&self.answer_microseconds, time.as_micros() as u64);
        add(&self.prompt_tokens, prompt_tokens as u64);
        add(&self.answer_tokens, answer_tokens as u64);
        self.lost.store(false, Ordering::Relaxed);
    }

    /// Seconds until a place is likely free: those of a mean answer, waiting included, from 1 to 60.
    pub fn patience(&self) -> u64 {
        let answers: u64 = self.answers.iter().map(read).sum();
        let mean = read(&self.answer_microseconds) as f64 / 1e6 / answers.max(1) as f64;
        (mean.ceil() as u64).clamp(1, 60)
    }

    /// All of it as text.
    pub fn text(&self, queue: &Queue) -> String {
        let mut out = String::new();
        head(&mut out, "af2_responses_total", "counter", "HTTP responses by status.");
        for (status, count) in STATUSES.iter().zip(&self.responses).filter(|(_, count)| read(count) > 0) {
            let _ = writeln!(out, "af2_responses_total{{status=\"{status}\"}} {}", read(count));
        }
        self.histogram(&mut out);
        let clips = queue.clips();
        let single = [
            ("af2_prompt_tokens_total", "counter", "Tokens of prompts.", read(&self.prompt_tokens)),
            ("af2_completion_tokens_total", "counter", "Tokens of answers.", read(&self.answer_tokens)),
            ("af2_requests_in_flight", "gauge", "Requests that hold a place.", queue.taken() as u64),
            ("af2_requests_waiting", "gauge", "Requests that wait for the model.", queue.waiting() as u64),
            ("af2_requests_running", "gauge", "Requests that the model answers now.", queue.running() as u64),
            ("af2_requests_limit", "gauge", "Requests that may be in flight.", queue.size() as u64),
            ("af2_clips", "gauge", "Encoded clips in memory.", clips.clips as u64),
            ("af2_clip_bytes", "gauge", "Bytes of the encoded clips.", clips.bytes),
            ("af2_clip_hits_total", "counter", "Batches about a clip that was encoded already.", clips.hits),
            ("af2_clip_misses_total", "counter", "Batches whose clip was encoded.", clips.misses),
        ];
        for (name, kind, help, value) in single {
            head(&mut out, name, kind, help);
            let _ = writeln!(out, "{name} {value}");
        }
        out
    }

    fn histogram(&self, out: &mut String) {
        let name = "af2_answer_seconds";
        head(out, name, "histogram", "Seconds from a request to its whole answer.");
        let mut below = 0;
        for (bound, count) in BOUNDS.iter().zip(&self.answers) {
            below += read(count);
            let _ = writeln!(out, "{name}_bucket{{le=\"{bound}\"}} {below}");
        }
        below += read(&self.answers[BOUNDS.len()]);
        let seconds = read(&self.answer_microseconds) as f64 / 1e6;
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {below}\n{name}_sum {seconds}\n{name}_count {below}");
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}
