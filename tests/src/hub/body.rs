//! The bytes of a file as the body of an answer, with the faults that bodies have.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use futures_util::stream;

use super::fault::Kind;
use super::file::File;
use super::log::Counts;
use super::reply::{plain, set};
use super::shared::Shared;

/// Bytes read and sent at a time.
const CHUNK: u64 = 64 << 10;
/// Chunks per second of a slow answer.
const TICKS: u64 = 20;
/// Time for what was sent to leave before a connection breaks.
const FLUSH: Duration = Duration::from_millis(20);

/// What is wrong with a body.
#[derive(Default)]
struct Damage {
    cut: Option<u64>,
    rate: Option<u64>,
    corrupt: Option<u64>,
}

/// A file, or the range of it that was asked for, with the faults of its path.
pub(super) fn file(shared: &Shared, path: &str, file: Arc<File>, request: &Parts, counts: &Counts) -> Response {
    let take = |select: fn(&Kind) -> Option<u64>| shared.faults.take(path, select);
    let damage = Damage {
        cut: take(|kind| if let Kind::Cut { after } = kind { Some(*after) } else { None }),
        rate: take(|kind| if let Kind::Slow { rate } = kind { Some(*rate) } else { None }),
        corrupt: take(|kind| if let Kind::Corrupt { at } = kind { Some(*at) } else { None }),
    };
    let shift = take(|kind| if let Kind::ShiftRange { by } = kind { Some(*by) } else { None }).unwrap_or(0);
    let fewer = take(|kind| if let Kind::Truncate { by } = kind { Some(*by) } else { None }).unwrap_or(0);
    let range = if shared.faults.hits(path, &Kind::IgnoreRange) { None } else { asked(request, file.size()) };
    let moved = range.map(|range| {
        range.map(|range| {
            let begin = (range.start + shift).min(file.size());
            begin..(range.end + shift).min(file.size()).saturating_sub(fewer).max(begin)
        })
    });
    let whole = 0..file.size().saturating_sub(fewer);
    send(file, moved, whole, damage, request, counts)
}

/// A file without faults.
pub(super) fn stream(file: Arc<File>, request: &Parts, counts: &Counts) -> Response {
    let (range, whole) = (asked(request, file.size()), 0..file.size());
    send(file, range, whole, Damage::default(), request, counts)
}

/// A range that a file does not have.
struct Unsatisfiable;

/// The one range that a request asks for; none where it asks for several, or in a form that HTTP lets servers ignore.
fn asked(request: &Parts, size: u64) -> Option<Result<Range<u64>, Unsatisfiable>> {
    let (begin, end) = request.headers.get("range")?.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (begin, end) {
        ("", last) => size.saturating_sub(last.parse().ok()?)..size,
        (begin, "") => begin.parse().ok()?..size,
        (begin, last) => begin.parse().ok()?..last.parse::<u64>().ok()?.saturating_add(1).min(size),
    };
    Some(if range.is_empty() { Err(Unsatisfiable) } else { Ok(range) })
}

fn send(
    file: Arc<File>,
    range: Option<Result<Range<u64>, Unsatisfiable>>,
    whole: Range<u64>,
    damage: Damage,
    request: &Parts,
    counts: &Counts,
) -> Response {
    let size = file.size();
    let (status, range, content_range) = match range {
        None => (StatusCode::OK, whole, String::new()),
        Some(Ok(range)) => {
            let content_range = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
            (StatusCode::PARTIAL_CONTENT, range, content_range)
        }
        Some(Err(Unsatisfiable)) => (StatusCode::RANGE_NOT_SATISFIABLE, 0..0, format!("bytes */{size}")),
    };
    let mut response = plain(status, "");
    set(&mut response, "content-range", &content_range);
    set(&mut response, "content-length", &(range.end - range.start).to_string());
    set(&mut response, "accept-ranges", "bytes");
    set(&mut response, "content-type", "application/octet-stream");
    if request.method == Method::GET {
        *response.body_mut() = Sending { file, range, damage, sent: counts.sent.clone() }.body();
    }
    response
}

/// A body on its way.
struct Sending {
    file: Arc<File>,
    /// What is left.
    range: Range<u64>,
    damage: Damage,
    sent: Arc<AtomicU64>,
}

impl Sending {
    fn body(self) -> Body {
        Body::from_stream(stream::unfold(self, |mut sending| async {
            let chunk = sending.next().await?;
            Some((chunk, sending))
        }))
    }

    /// The next chunk; after an error hyper breaks the connection.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.range.is_empty() {
            return None;
        }
        if self.damage.cut == Some(0) {
            tokio::time::sleep(FLUSH).await;
            return Some(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if self.damage.rate.is_some() {
            tokio::time::sleep(Duration::from_millis(1000 / TICKS)).await;
        }
        let most = self.damage.rate.map_or(CHUNK, |rate| (rate / TICKS).max(1));
        let most = most.min(self.damage.cut.unwrap_or(u64::MAX));
        let part = self.range.start..self.range.end.min(self.range.start + most);
        let (file, wanted) = (self.file.clone(), part.clone());
        let read = tokio::task::spawn_blocking(move || file.read(wanted)).await;
        let mut bytes = match read.map_err(io::Error::other).and_then(|bytes| bytes) {
            Ok(bytes) => bytes,
            Err(error) => return Some(Err(error)),
        };
        if let Some(at) = self.damage.corrupt.filter(|at| part.contains(at)) {
            bytes[(at - part.start) as usize] ^= 0x40;
        }
        self.range.start = part.end;
        self.damage.cut = self.damage.cut.map(|left| left - bytes.len() as u64);
        self.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Some(Ok(Bytes::from(bytes)))
    }
}
