//! Which ranges are fetched ahead: neighbours in few large requests, several in flight, in bounded memory.
//!
//! A conversion reads tensors in the order in which the model loads, a file holds them in the order of their names. So a batch
//! takes the next reads up to the length of a span, sorts them by place, and merges those that touch: a large matrix is one
//! request per span, the small tensors of an encoder block are one request together.

use std::collections::VecDeque;
use std::ops::Range;
use std::task::{Context, Poll};

use crate::error::HubError;
use crate::http::LocalBoxFuture;

/// Unneeded bytes between two ranges that are fetched rather than asked around.
const GAP: u64 = 64 << 10;

/// How much is fetched ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// About how many bytes a batch of requests asks for.
    pub span: u64,
    /// Most bytes in flight or waiting to be read; one span at least.
    pub total: u64,
}

impl Window {
    /// A window for `bytes` to be read in all, of at most `most` bytes. It is a small share of the whole, because what is in
    /// flight is lost when the process is killed.
    pub fn share(bytes: u64, most: u64) -> Self {
        let total = (bytes / 320).clamp(1 << 20, most.max(1 << 20));
        Window { span: (total / 4).clamp(256 << 10, 32 << 20), total }
    }
}

/// A range of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub path: String,
    pub range: Range<u64>,
}

impl Part {
    fn bytes(&self) -> u64 {
        self.range.end - self.range.start
    }

    fn contains(&self, other: &Part) -> bool {
        self.path == other.path && self.range.start <= other.range.start && other.range.end <= self.range.end
    }
}

/// Starts the request of a part.
type Start<'s> = dyn FnMut(Part) -> LocalBoxFuture<'static, Result<Vec<u8>, HubError>> + 's;

/// Reads that will come, and the requests in flight for the first of them.
pub(crate) struct ReadAhead {
    window: Window,
    expected: VecDeque<Part>,
    batches: VecDeque<Batch>,
}

/// Some consecutive reads and the requests that cover them.
struct Batch {
    reads: VecDeque<Part>,
    requests: Vec<Fetched>,
}

struct Fetched {
    part: Part,
    state: State,
}

enum State {
    Pending(LocalBoxFuture<'static, Result<Vec<u8>, HubError>>),
    Done(Result<Vec<u8>, HubError>),
}

impl ReadAhead {
    pub fn new(window: Window) -> Self {
        Self { window, expected: VecDeque::new(), batches: VecDeque::new() }
    }

    /// Adds a read behind the others.
    pub fn expect(&mut self, part: Part) {
        if part.bytes() > 0 {
            self.expected.push_back(part);
        }
    }

    /// Whether this is the next of the expected reads.
    pub fn is_next(&self, part: &Part) -> bool {
        let next = self.batches.front().and_then(|batch| batch.reads.front()).or(self.expected.front());
        next == Some(part)
    }

    /// The requests that all expected reads take, and their bytes.
    pub fn cost(&self) -> (u64, u64) {
        let mut expected = self.expected.clone();
        let (mut requests, mut bytes) = (0, 0);
        while let Some(reads) = next_batch(&mut expected, self.window.span) {
            let merged = merged(&reads);
            requests += merged.len() as u64;
            bytes += merged.iter().map(Part::bytes).sum::<u64>();
        }
        (requests, bytes)
    }

    /// Starts requests as far as the window allows, and drives all that are in flight. Ready when the next read is complete:
    /// its bytes, taken out of the window.
    pub fn poll_next(&mut self, context: &mut Context<'_>, start: &mut Start<'_>) -> Poll<Result<Vec<u8>, HubError>> {
        self.fill(start);
        for batch in &mut self.batches {
            batch.requests.iter_mut().for_each(|request| request.poll(context));
        }
        let Some(batch) = self.batches.front_mut() else { return Poll::Ready(Ok(Vec::new())) };
        let Some(next) = batch.reads.front() else { return Poll::Ready(Ok(Vec::new())) };
        let Some(request) = batch.requests.iter_mut().find(|request| request.part.contains(next)) else {
            return Poll::Ready(Ok(Vec::new()));
        };
        let State::Done(outcome) = &mut request.state else { return Poll::Pending };
        let taken = match outcome {
            Err(error) => return Poll::Ready(Err(error.clone())),
            Ok(bytes) if request.part == *next => std::mem::take(bytes),
            Ok(bytes) => {
                let begin = (next.range.start - request.part.range.start) as usize;
                bytes[begin..begin + next.bytes() as usize].to_vec()
            }
        };
        batch.reads.pop_front();
        if batch.reads.is_empty() {
            self.batches.pop_front();
        }
        Poll::Ready(Ok(taken))
    }

    fn fill(&mut self, start: &mut Start<'_>) {
        loop {
            let in_flight: u64 = self.batches.iter().map(Batch::bytes).sum();
            if !self.batches.is_empty() && in_flight + self.window.span > self.window.total {
                return;
            }
            let Some(reads) = next_batch(&mut self.expected, self.window.span) else { return };
            let requests = merged(&reads);
            let requests =
                requests.into_iter().map(|part| Fetched { state: State::Pending(start(part.clone())), part });
            self.batches.push_back(Batch { requests: requests.collect(), reads });
        }
    }
}

impl Batch {
    fn bytes(&self) -> u64 {
        self.requests.iter().map(|request| request.part.bytes()).sum()
    }
}

impl Fetched {
    fn poll(&mut self, context: &mut Context<'_>) {
        if let State::Pending(future) = &mut self.state
            && let Poll::Ready(outcome) = future.as_mut().poll(context)
        {
            self.state = State::Done(outcome);
        }
    }
}

/// The next reads, up to `span` bytes, one at least.
fn next_batch(expected: &mut VecDeque<Part>, span: u64) -> Option<VecDeque<Part>> {
    let first = expected.pop_front()?;
    let mut bytes = first.bytes();
    let mut reads = VecDeque::from([first]);
    while let Some(next) = expected.pop_front_if(|next| bytes + next.bytes() <= span) {
        bytes += next.bytes();
        reads.push_back(next);
    }
    Some(reads)
}

/// The requests that cover the reads: sorted by place, and one for those that touch.
fn merged(reads: &VecDeque<Part>) -> Vec<Part> {
    let mut sorted: Vec<&Part> = reads.iter().collect();
    sorted.sort_by(|a, b| (&a.path, a.range.start).cmp(&(&b.path, b.range.start)));
    let mut requests: Vec<Part> = Vec::new();
    for part in sorted {
        match requests.last_mut() {
            Some(last) if last.path == part.path && part.range.start <= last.range.end + GAP => {
                last.range.end = last.range.end.max(part.range.end);
            }
            _ => requests.push(part.clone()),
        }
    }
    requests
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::poll_fn;

    use pollster::block_on;

    use super::*;

    fn part(path: &str, range: Range<u64>) -> Part {
        Part { path: path.into(), range }
    }

    /// The byte at a place of a file.
    fn byte(path: &str, at: u64) -> u8 {
        (at as u8).wrapping_mul(31).wrapping_add(path.len() as u8)
    }

    #[test]
    fn reads_in_any_order_come_back_whole_from_few_requests_in_bounded_memory() {
        let mut ahead = ReadAhead::new(Window { span: 1 << 20, total: 4 << 20 });
        let mut reads = Vec::new();
        for layer in (0..6u64).rev() {
            let base = layer * 3_000_000;
            reads.push(part("b", base + 2_900_000..base + 2_900_100)); // behind the matrices that are read later
            reads.extend((0..4).map(|i| part("b", base + i * 700_000..base + (i + 1) * 700_000)));
            reads.push(part("aa", layer * 50..layer * 50 + 50));
        }
        reads.iter().for_each(|read| ahead.expect(read.clone()));
        let (planned, bytes) = ahead.cost();
        let requests = RefCell::new(Vec::new());
        for read in &reads {
            assert!(ahead.is_next(read));
            let mut start = |part: Part| -> LocalBoxFuture<'static, Result<Vec<u8>, HubError>> {
                requests.borrow_mut().push(part.clone());
                Box::pin(async move { Ok(part.range.map(|at| byte(&part.path, at)).collect()) })
            };
            let bytes = block_on(poll_fn(|context| ahead.poll_next(context, &mut start))).unwrap();
            let expected: Vec<u8> = read.range.clone().map(|at| byte(&read.path, at)).collect();
            assert!(bytes == expected, "{read:?}");
            let held: u64 = ahead.batches.iter().map(Batch::bytes).sum();
            assert!(held <= 4 << 20, "{held} bytes");
        }
        let requests = requests.into_inner();
        assert_eq!(requests.len() as u64, planned);
        assert_eq!(requests.iter().map(Part::bytes).sum::<u64>(), bytes);
        assert!(bytes < 6 * 2_900_000, "{bytes} bytes for {}", 6 * 2_800_150);
        assert!(!ahead.is_next(&reads[0]));
    }

    #[test]
    fn a_failure_comes_up_where_its_bytes_are_read() {
        let mut ahead = ReadAhead::new(Window { span: 10, total: 100 });
        ahead.expect(part("a", 0..10));
        ahead.expect(part("a", 1 << 20..(1 << 20) + 10));
        let mut start = |part: Part| -> LocalBoxFuture<'static, Result<Vec<u8>, HubError>> {
            let lost = HubError::new("a", crate::Problem::Network("lost".into()));
            Box::pin(async move { if part.range.start == 0 { Ok(vec![0; 10]) } else { Err(lost) } })
        };
        let mut next = || block_on(poll_fn(|context| ahead.poll_next(context, &mut start)));
        assert_eq!(next().unwrap().len(), 10);
        assert_eq!(next().unwrap_err().to_string(), "cannot fetch a: lost");
    }

    #[test]
    fn the_window_is_a_share_of_the_whole() {
        assert_eq!(Window::share(4_267_049_760, 128 << 20).total, 13_334_530);
        assert_eq!(Window::share(100 << 30, 128 << 20), Window { span: 32 << 20, total: 128 << 20 });
        assert_eq!(Window::share(0, 0), Window { span: 256 << 10, total: 1 << 20 });
    }
}
