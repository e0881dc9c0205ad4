//! Which seconds of the audio an answer goes by.
//!
//! ```text
//! attention  how much do the answer's tokens attend to each time (weight · norm of the value · gate)?
//! effect     hide a stretch of the audio, score the same answer again: how far do its odds drop?  (· both attentions below)
//! ```
//!
//! Attention costs one pass and tells where the model looked while it answered, which for a yes or no is often where nothing sounds. The
//! effect costs a pass per stretch and tells what the answer depends on. The audio transformer has mixed every time's tokens with their
//! neighbours', so hiding a single time of 0.3125 s changes little; stretches of 1, 2 and 4 times are hidden, and a time gets the mean drop
//! of the stretches over it. Longer stretches blur the place.
//!
//! Drops also come by chance. They are weighted by what the last token of the question attends to, which has read all of the question and
//! looks for what is asked, and by what the answer's tokens attend to. An answer that stands however little is heard of its sound drops
//! nowhere: then the answer's attention decides, which counts as much as a drop of [`ATTENTION`] everywhere.
//!
//! ```text
//! effect(time) = (ATTENTION + drop(time) · end(time) / mean(end)) · answer(time) / mean(answer)
//! ```
//!
//! `weights/demo/README.md` tells how often the peak lies inside the asked sound's interval, measured by `af2 eval demo --parts
//! places`: attention finds a lone sound more often, the effect one beside others, and what is behind a yes or no.
//!
//! The drop is that of the log-odds, log (p / (1 − p)) for an answer of probability p, called weight of evidence (Robnik-Šikonja and
//! Kononenko 2008). A "yes" that stays likely without the sound, but falls from 0.9999 to 0.999, loses 2.3 nats of odds and next to nothing
//! of its log-probability.

use std::ops::Range;

use serde::Serialize;

use super::Timeline;
use crate::engine::{Query, ScoreRequest, Scores};

/// Lengths of the stretches that are hidden, in units: 0.3 to 1.25 s where a unit is a time.
const LENGTHS: [usize; 3] = [1, 2, 4];

/// Units of a clip at most; times of a longer clip are hidden two, four … at once.
const MOST_UNITS: usize = 64;

/// An answer whose log-odds never drop by more than this, in nats, goes by no part of the audio in particular.
const LEAST_DROP: f32 = 0.05;

/// The drop, in nats, that stands for what attention alone tells. Chosen on scenes of their own, where 0.02 to 0.3 are as good.
/// More of it blurs what a yes or no goes by.
const ATTENTION: f32 = 0.05;

/// 1 − p of an answer at least: beyond that, rounding of the logits would decide.
const LEAST_DOUBT: f64 = 1e-5;

/// How the relevance of a time is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// By what the answer's tokens attend to.
    Attention,
    /// By what the answer's odds lose without it.
    Effect,
}

/// The audio's relevance for an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Relevance {
    /// How it was found.
    pub method: Method,
    /// Seconds per value of the curve.
    pub seconds_per_step: f64,
    /// Relevance of each step of the audio, 0 or more. By [`Method::Attention`] shares of the whole, by [`Method::Effect`] nats of the
    /// answer's log-odds, weighted by the attention to the step in units of its mean.
    pub curve: Vec<f32>,
    /// Where the curve is high, in order of time.
    pub intervals: Vec<Interval>,
}

/// A part of the audio.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Its start, in seconds.
    pub start: f64,
    /// Its end, in seconds.
    pub end: f64,
    /// Its share of what the curve has above its lowest value.
    pub weight: f32,
}

impl Relevance {
    /// Of a clip's times, as [`Effect::curve`] or an engine's attention gives them.
    pub fn new(method: Method, times: &[f32], timeline: &Timeline) -> Self {
        let curve = timeline.curve(times);
        let (curve, share) = match method {
            Method::Attention => (smoothed(&curve), 0.5),
            Method::Effect => (curve, 0.25),
        };
        let intervals = intervals(&curve, share, timeline);
        Self { method, seconds_per_step: timeline.seconds_per_step(), curve, intervals }
    }
}

/// The mean of each value and its neighbours: single times that draw attention are often no place of interest.
fn smoothed(values: &[f32]) -> Vec<f32> {
    let around = |at: usize| &values[at.saturating_sub(1)..(at + 2).min(values.len())];
    (0..values.len()).map(|at| around(at).iter().sum::<f32>() / around(at).len() as f32).collect()
}

/// The runs of steps whose value is more than `share` of the way from the curve's lowest to its highest; none of a flat curve. A single step
/// below does not end a run.
///
/// Half of the way suits attention. The effect is narrower and takes a quarter.
fn intervals(curve: &[f32], share: f32, timeline: &Timeline) -> Vec<Interval> {
    let (low, high) = curve.iter().fold((f32::INFINITY, 0.0_f32), |(low, high), v| (low.min(*v), high.max(*v)));
    if high <= low {
        return Vec::new();
    }
    let mut runs: Vec<Range<usize>> = Vec::new();
    let high_steps = (0..curve.len()).filter(|step| curve[*step] > low + share * (high - low));
    for step in high_steps {
        match runs.last_mut().filter(|run| step <= run.end + 1) {
            Some(run) => run.end = step + 1,
            None => runs.push(step..step + 1),
        }
    }
    let above = |steps: &[f32]| steps.iter().map(|value| value - low).sum::<f32>();
    let (total, step) = (above(curve), timeline.seconds_per_step());
    let interval = |run: Range<usize>| Interval {
        start: run.start as f64 * step,
        end: (run.end as f64 * step).min(timeline.seconds()),
        weight: above(&curve[run]) / total,
    };
    runs.into_iter().map(interval).collect()
}

/// An answer to be scored with parts of its audio hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    query: Query,
    answer: Vec<u32>,
    /// The question without its last token, the separator, and that token: the question's end predicts it.
    end: (Query, Vec<u32>),
    times: usize,
    /// Hidden times, lengths in turn.
    stretches: Vec<Vec<Range<usize>>>,
}

impl Effect {
    /// Of the tokens `answer` to `query`, on the first `times` times of its clip: those that hold audio ([`Timeline::times`]).
    pub fn new(query: Query, answer: &[u32], times: usize) -> Self {
        let unit = times.div_ceil(MOST_UNITS).next_power_of_two();
        let stretches = LENGTHS.into_iter().filter(|length| *length == 1 || length * unit < times);
        let stretches =
            stretches.map(|length| stretches_of(length * unit, (length / 2).max(1) * unit, times)).collect();
        let end = match query.prompt.split_last() {
            Some((last, before)) if !before.is_empty() => {
                (Query { prompt: before.to_vec(), view: query.view.clone() }, vec![*last])
            }
            _ => (query.clone(), answer.to_vec()),
        };
        Self { query, answer: answer.to_vec(), end, times, stretches }
    }

    /// Queries and tokens whose attention [`Effect::curve`] takes: the question's end, and the answer.
    pub fn attention(&self) -> [(&Query, &[u32]); 2] {
        [(&self.end.0, &self.end.1), (&self.query, &self.answer)]
    }

    /// What to score: the answer with all of the audio, then once per hidden stretch.
    pub fn requests(&self) -> Vec<ScoreRequest> {
        let hidden = self.stretches.iter().flatten().map(|stretch| self.query.view.clone().hiding(stretch.clone()));
        let request = |view| ScoreRequest {
            query: Query { view, ..self.query.clone() },
            continuations: vec![self.answer.clone()],
        };
        std::iter::once(self.query.view.clone()).chain(hidden).map(request).collect()
    }

    /// The relevance of each time, 0 or more: the mean drop of the answer's log-odds by the stretches over it, from the scores of
    /// [`Effect::requests`], weighted by the attention of [`Effect::attention`], as the engine gives it. All 0 where no drop is worth
    /// mention.
    pub fn curve(&self, scores: &[Scores], [end, answer]: [&[f32]; 2]) -> Vec<f32> {
        let drops = self.drops(scores);
        if drops.iter().all(|drop| *drop <= LEAST_DROP) {
            return vec![0.0; self.times];
        }
        let (end, answer) = (self.relative(end), self.relative(answer));
        let weighted = |((drop, end), answer): ((&f32, f32), f32)| (ATTENTION + drop.max(0.0) * end) * answer;
        drops.iter().zip(end).zip(answer).map(weighted).collect()
    }

    /// Attention to each time with its neighbours, in units of the mean.
    fn relative(&self, attention: &[f32]) -> Vec<f32> {
        let attention = smoothed(&attention[..self.times.min(attention.len())]);
        let mean = attention.iter().sum::<f32>() / attention.len() as f32;
        attention.iter().map(|value| if mean > 0.0 { value / mean } else { 1.0 }).collect()
    }

    fn drops(&self, scores: &[Scores]) -> Vec<f32> {
        let whole = scores.first().map_or(0.0, log_odds);
        let mut drops = scores.iter().skip(1).map(|scores| whole - log_odds(scores));
        let mut curve = vec![0.0; self.times];
        for stretches in &self.stretches {
            let mut sums = vec![(0.0, 0_u32); self.times];
            for (stretch, drop) in stretches.iter().zip(&mut drops) {
                sums[stretch.clone()].iter_mut().for_each(|(sum, count)| (*sum, *count) = (*sum + drop, *count + 1));
            }
            for (value, (sum, count)) in curve.iter_mut().zip(sums) {
                *value += sum / (count.max(1) as f32 * self.stretches.len() as f32);
            }
        }
        curve
    }
}

/// log (p / (1 − p)) of an answer's probability p.
fn log_odds(scores: &Scores) -> f32 {
    let logprob: f64 = scores.iter().flatten().copied().map(f64::from).sum();
    (logprob - (-logprob.exp_m1()).max(LEAST_DOUBT).ln()) as f32
}

/// Stretches of `length` times, a new one every `stride` times. Those at both ends are cut off, so that every time is in as many.
fn stretches_of(length: usize, stride: usize, times: usize) -> Vec<Range<usize>> {
    let ends = (stride..times + length).step_by(stride);
    let stretches = ends.map(|end| end.saturating_sub(length)..end.min(times));
    stretches.filter(|stretch| !stretch.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AudioConfig;
    use crate::engine::AudioView;

    fn timeline(windows: usize, seconds: f64) -> Timeline {
        let config = AudioConfig { sample_rate: 16_000, window_length: 10.0, window_overlap: 0.0, max_num_window: 12 };
        Timeline::new(&config, windows, seconds)
    }

    fn effect(windows: usize, seconds: f64) -> Effect {
        let query = Query { prompt: vec![1, 2], view: AudioView::whole(windows) };
        Effect::new(query, &[5, 6], timeline(windows, seconds).times())
    }

    /// Scores of a model whose answer needs the times of `sound`: it loses in proportion to what is hidden of them.
    fn scores(requests: &[ScoreRequest], sound: Range<usize>) -> Vec<Scores> {
        let hidden = |view: &AudioView| sound.clone().filter(|time| view.hidden.contains(time)).count() as f32;
        requests.iter().map(|r| vec![vec![-0.5, -hidden(&r.query.view) / sound.len() as f32]]).collect()
    }

    #[test]
    fn the_sound_that_an_answer_needs_is_found() {
        for (windows, seconds, sound) in [(1, 10.0, 3..7), (1, 10.0, 20..31), (1, 2.0, 1..3), (12, 120.0, 100..120)] {
            let effect = effect(windows, seconds);
            let requests = effect.requests();
            assert!(requests.len() < 160 && requests[0].query.view == AudioView::whole(windows));
            let curve = effect.curve(&scores(&requests, sound.clone()), [&vec![1.0; 32 * windows]; 2]);
            let relevance = Relevance::new(Method::Effect, &curve, &timeline(windows, seconds));
            let [found] = relevance.intervals[..] else { panic!("{sound:?}: {relevance:?}") };
            let (start, end) = (sound.start as f64 * 0.3125, (sound.end as f64 * 0.3125).min(seconds));
            let shared = found.end.min(end) - found.start.max(start);
            assert!(shared > 0.45 * (found.end.max(end) - found.start.min(start)), "{sound:?}: {found:?}");
            assert!(found.weight > 0.5 && found.weight <= 1.0);
            let peak = (0..curve.len()).max_by(|a, b| curve[*a].total_cmp(&curve[*b])).unwrap();
            assert!(sound.contains(&peak), "{sound:?}: {peak}");
        }
    }

    #[test]
    fn an_answer_that_needs_nothing_has_no_interval() {
        let effect = effect(1, 10.0);
        let none = vec![vec![vec![-0.5]]; effect.requests().len()];
        let relevance = Relevance::new(Method::Effect, &effect.curve(&none, [&[1.0; 32]; 2]), &timeline(1, 10.0));
        assert!(relevance.intervals.is_empty() && relevance.curve == [0.0; 32]);
        let flat = Relevance::new(Method::Attention, &[1.0 / 32.0; 32], &timeline(1, 10.0));
        assert!(flat.intervals.is_empty());
    }

    #[test]
    fn attention_tells_apart_what_an_effect_does_not() {
        let effect = effect(1, 10.0);
        let tokens = effect.attention().map(|(query, tokens)| (&query.prompt[..], tokens));
        assert_eq!(tokens, [(&[1][..], &[2][..]), (&[1, 2], &[5, 6])]);
        let mut attention = [0.5; 32];
        attention[20..23].fill(2.0);
        let both = scores(&effect.requests(), 5..8).into_iter().zip(scores(&effect.requests(), 20..23));
        let both: Vec<Scores> = both.map(|(a, b)| vec![vec![a[0][1], b[0][1]]]).collect();
        let relevance =
            Relevance::new(Method::Effect, &effect.curve(&both, [&attention, &[1.0; 32]]), &timeline(1, 10.0));
        let [found] = relevance.intervals[..] else { panic!("{relevance:?}") };
        assert!(found.start >= 19.0 * 0.3125 && found.end <= 24.0 * 0.3125, "{found:?}");
        let other = effect.curve(&both, [&[1.0; 32], &attention]);
        assert!(other[21] > 3.0 * other[6], "{other:?}");
        let relevance = Relevance::new(Method::Attention, &attention, &timeline(1, 10.0));
        assert_eq!((relevance.curve[0], relevance.curve[20], relevance.curve[21]), (0.5, 1.5, 2.0));
    }

    #[test]
    fn neighbouring_runs_join_and_distant_ones_do_not() {
        let mut curve = [0.0; 32];
        (curve[2], curve[4], curve[9]) = (0.25, 0.25, 1.5);
        let found = Relevance::new(Method::Effect, &curve, &timeline(1, 10.0)).intervals;
        let borders: Vec<_> = found.iter().map(|found| (found.start, found.end, found.weight)).collect();
        assert_eq!(borders, [(9.0 * 0.3125, 10.0 * 0.3125, 0.75)]);
        (curve[2], curve[4]) = (1.0, 1.0);
        let found = Relevance::new(Method::Effect, &curve, &timeline(1, 10.0)).intervals;
        let borders: Vec<_> = found.iter().map(|found| (found.start / 0.3125, found.end / 0.3125)).collect();
        assert_eq!(borders, [(2.0, 5.0), (9.0, 10.0)]);
    }
}
