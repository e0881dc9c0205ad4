//! The whole server, with an answerer that plays its part.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use af2_core::engine::FinishReason;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::sync::oneshot;

use super::*;
use crate::{Answer, Answerer, ClipUse, Failure, Job};

/// Does what the question says. `held` is waited for by the question "hold"; `batches` is told what was answered together.
struct Actor {
    held: Receiver<()>,
    batches: Sender<Vec<String>>,
}

impl Answerer for Actor {
    fn answer(&mut self, jobs: &[Job]) {
        let questions = jobs.iter().map(|job| job.question.text.clone()).collect();
        self.batches.send(questions).unwrap();
        for job in jobs {
            match job.question.text.as_str() {
                "lose" => job.reply.failed(Failure::DeviceLost("driver reset".into())),
                "forget" => {}
                "break" => {
                    job.reply.text("half an ");
                    job.reply.failed(Failure::Internal("broken".into()));
                }
                text => {
                    if text == "hold" {
                        self.held.recv().unwrap();
                    }
                    let (text, finish) = (format!("{text}!"), FinishReason::Stop);
                    job.reply.text(text.as_str());
                    job.reply.done(Answer { text, finish, prompt_tokens: 1, tokens: Vec::new(), notices: Vec::new() });
                }
            }
        }
    }

    fn clips(&self) -> ClipUse {
        ClipUse::default()
    }
}

/// A server of an [`Actor`], and the ends that drive it.
struct Stage {
    address: SocketAddr,
    queue: Arc<Queue>,
    release: Sender<()>,
    batches: Receiver<Vec<String>>,
    stop: Option<oneshot::Sender<()>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Stage {
    fn new() -> Self {
        Self::paced(Pace::default())
    }

    fn paced(pace: Pace) -> Self {
        let server = Server { pace, ..Server::bind("127.0.0.1", 0).unwrap() };
        let (address, queue) = (server.address(), Queue::new(32));
        let (stop, stopped) = oneshot::channel::<()>();
        let ((release, held), (sender, batches)) = (channel(), channel());
        let audio = AudioConfig { sample_rate: 16_000, window_length: 10.0, window_overlap: 0.0, max_num_window: 1 };
        let settings =
            Settings { model: "actor".into(), audio, max_windows: 1, fetch: None, api_key: None, origins: Vec::new() };
        let (worker, serving) = (queue.clone(), queue.clone());
        let threads = vec![
            thread::spawn(move || worker.work(&mut Actor { held, batches: sender })),
            thread::spawn(move || {
                let stop = || async {
                    let _ = stopped.await;
                };
                server.run(settings, &serving, stop, || {}).unwrap();
            }),
        ];
        Self { address, queue, release, batches, stop: Some(stop), threads }
    }

    /// Sends a question about a second of a tone of this pitch.
    fn begin(&self, text: &str, pitch: i16, stream: bool) -> TcpStream {
        let content = json!([{ "type": "text", "text": text }, {
            "type": "input_audio", "input_audio": { "format": "wav", "data": STANDARD.encode(tone(pitch)) },
        }]);
        let body = json!({ "messages": [{ "role": "user", "content": content }], "stream": stream }).to_string();
        self.send(&format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn ask(&self, text: &str) -> String {
        end(self.begin(text, 100, false))
    }

    fn health(&self) -> String {
        end(self.send("GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"))
    }

    fn await_waiting(&self, count: usize) {
        while self.queue.waiting() != count {
            thread::yield_now();
        }
    }
}

fn end(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn tone(pitch: i16) -> Vec<u8> {
    let samples: Vec<u8> = (0..16_000_i16).flat_map(|at| (at.wrapping_mul(pitch)).to_le_bytes()).collect();
    let mut file = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    file.extend([16_000u32.to_le_bytes(), 32_000u32.to_le_bytes()].concat());
    file.extend(b"\x02\0\x10\0data");
    file.extend((samples.len() as u32).to_le_bytes());
    file.extend(samples);
    file
}

fn assert_holds(answer: &str, status: u16, words: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(words), "{answer}");
}

#[test]
fn a_lost_device_is_told_and_forgiven() {
    let stage = Stage::new();
    assert_holds(&stage.ask("hello"), 200, "hello!");
    let lost = stage.ask("lose");
    assert_holds(&lost, 503, "device_lost");
    assert!(lost.contains("retry-after: "), "{lost}");
    assert_holds(&stage.health(), 503, "lost");
    assert_holds(&stage.ask("again"), 200, "again!");
    assert_holds(&stage.health(), 200, "ok");
    assert_holds(&stage.ask("forget"), 500, "the answer was lost");
    assert_holds(&end(stage.begin("lose", 100, true)), 503, "device_lost");
    let broken = end(stage.begin("break", 100, true));
    assert_holds(&broken, 200, "half an ");
    let error = broken.find("\"message\":\"broken\"").unwrap();
    assert!(error < broken.find("data: [DONE]").unwrap(), "{broken}");
}

#[test]
fn questions_about_one_clip_go_together_and_the_stop_fails_what_waits() {
    let mut stage = Stage::new();
    let hold = |stage: &Stage| {
        let held = stage.begin("hold", 100, false);
        assert_eq!(stage.batches.recv().unwrap(), ["hold"]);
        held
    };
    let held = hold(&stage);
    let mut waiting = Vec::new();
    // Ten about one clip, among them one about another clip, one that is read along, and one whose client leaves.
    for (at, (text, pitch, stream)) in
        [("other", 50, false), ("read", 100, true), ("leave", 100, false)].into_iter().enumerate()
    {
        waiting.push(stage.begin(text, pitch, stream));
        stage.await_waiting(at + 1);
    }
    drop(waiting.pop());
    while stage.queue.abandoned() == 0 {
        thread::yield_now();
    }
    for at in 0..10 {
        waiting.push(stage.begin(&format!("q{at}"), 100, false));
        stage.await_waiting(at + 4);
    }
    stage.release.send(()).unwrap();
    assert_holds(&end(held), 200, "hold!");
    waiting.into_iter().for_each(|stream| assert_holds(&end(stream), 200, "!"));
    let batches: Vec<Vec<String>> = stage.batches.try_iter().collect();
    let first: Vec<String> = (0..8).map(|at| format!("q{at}")).collect();
    let expected = [vec!["other".into()], vec!["read".into()], first, vec!["q8".into(), "q9".into()]];
    assert_eq!(batches, expected);

    let held = hold(&stage);
    let late = stage.begin("late", 100, false);
    stage.await_waiting(1);
    stage.stop.take().unwrap().send(()).unwrap();
    assert_holds(&end(late), 503, "stopping");
    stage.release.send(()).unwrap();
    assert_holds(&end(held), 200, "hold!");
    stage.threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn clients_that_are_too_slow_are_let_go() {
    let short = Duration::from_millis(100);
    let stage = Stage::paced(Pace { head: short, body: short });
    // Half a head, and nothing at all: the connection is closed.
    assert_eq!(end(stage.send("GET /health HTTP/1.1\r\nhost: local")), "");
    assert_eq!(end(stage.send("")), "");
    let half = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{";
    assert_holds(&end(stage.send(half)), 408, "too slowly");
    assert_holds(&stage.ask("hello"), 200, "hello!");
}
