//! The network of the desktop: blocking requests, each on a thread of its own.

use std::io::Read;
use std::thread;
use std::time::Duration;

use af2_hub::{Body, Http, HttpError, LocalBoxFuture, Request, Response};
use ureq::Agent;

use super::channel::{Receiver, Sender, bounded};
use crate::terminal::note;

/// Bytes read from a socket at a time.
const CHUNK: usize = 256 << 10;
/// Chunks that a request may be ahead of its reader: 32 MiB, the most that is asked for at once.
const AHEAD: usize = 128;
/// Silence after which a server counts as gone.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Pauses from here on are told.
const WORTH_TELLING: Duration = Duration::from_secs(2);

/// HTTP on sockets.
pub(super) struct Network {
    agent: Agent,
}

/// Status, and headers with lower-case names.
type Head = (u16, Vec<(String, String)>);

impl Network {
    pub fn new() -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("af2/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_connect(Some(TIMEOUT))
            .timeout_recv_response(Some(TIMEOUT))
            .timeout_per_read(Some(TIMEOUT));
        Self { agent: config.build().new_agent() }
    }
}

impl Http for Network {
    fn get(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, HttpError>> {
        let (agent, url) = (self.agent.clone(), request.url.clone());
        let (head_sender, head) = bounded(1);
        let (sender, chunks) = bounded(AHEAD);
        thread::spawn(move || perform(&agent, request, &head_sender, &sender));
        Box::pin(async move {
            let ended = || HttpError("the request's thread ended".into());
            let (status, headers) = head.recv().await.ok_or_else(ended)??;
            Ok(Response { status, url, headers, body: Box::new(Chunks(chunks)) })
        })
    }

    fn follows_redirects(&self) -> bool {
        false
    }

    fn pause(&self, duration: Duration, reason: &str) -> LocalBoxFuture<'static, ()> {
        if duration >= WORTH_TELLING {
            note(reason);
        }
        let (sender, over) = bounded::<()>(1);
        thread::spawn(move || {
            thread::sleep(duration);
            drop(sender)
        });
        Box::pin(async move { over.recv().await.unwrap_or_default() })
    }
}

/// Sends the answer's head, then its body; ends early when nobody listens any more.
fn perform(
    agent: &Agent,
    request: Request,
    head: &Sender<Result<Head, HttpError>>,
    body: &Sender<Result<Vec<u8>, HttpError>>,
) {
    let mut builder = agent.get(&request.url);
    for (name, value) in &request.headers {
        builder = builder.header(*name, value);
    }
    let response = match builder.call() {
        Ok(response) => response,
        Err(error) => {
            let _ = head.send(Err(HttpError(error.to_string())));
            return;
        }
    };
    let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    if head.send(Ok((response.status().as_u16(), headers))).is_err() {
        return;
    }
    let mut reader = response.into_body().into_reader();
    loop {
        let chunk = match read_chunk(&mut reader) {
            Ok(chunk) if chunk.is_empty() => return,
            Ok(chunk) => Ok(chunk),
            Err(error) => Err(HttpError(error.to_string())),
        };
        let last = chunk.is_err();
        if body.send(chunk).is_err() || last {
            return;
        }
    }
}

/// The next bytes, as many as are there without waiting for a whole chunk; empty at the end.
fn read_chunk(reader: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut chunk = vec![0; CHUNK];
    let mut filled = 0;
    // Small reads are gathered, so that the channel's bound is one of bytes.
    while filled < CHUNK {
        match reader.read(&mut chunk[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) if filled == 0 => return Err(error),
            Err(_) => break, // what came before is good; the next read fails again
        }
    }
    chunk.truncate(filled);
    Ok(chunk)
}

struct Chunks(Receiver<Result<Vec<u8>, HttpError>>);

impl Body for Chunks {
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Vec<u8>>, HttpError>> {
        Box::pin(async move { self.0.recv().await.transpose() })
    }
}
