//! Requests on their way to the thread that answers them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use crate::answer::Failure;
use crate::job::{Job, Place};

/// Most questions that are decoded together: what their KV caches take stays small.
pub const MOST_TOGETHER: usize = 8;

/// Answers questions about clips, on one thread, whatever it blocks on.
pub trait Answerer {
    /// Answers jobs about one clip, which can be decoded together ([`Job::goes_with`]); each gets [`crate::Reply::done`] or
    /// [`crate::Reply::failed`]. A job whose client has left ([`crate::Reply::wanted`]) needs neither.
    fn answer(&mut self, jobs: &[Job]);

    /// How its cache of encoded clips is used.
    fn clips(&self) -> ClipUse;
}

/// Use of a cache of encoded clips since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClipUse {
    /// Clips that it holds.
    pub clips: usize,
    /// Bytes that they take.
    pub bytes: u64,
    /// Times that a clip was there already.
    pub hits: u64,
    /// Times that a clip was encoded.
    pub misses: u64,
}

/// A bounded queue.
pub struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    places: Arc<Semaphore>,
    size: usize,
    /// Jobs that are being answered.
    running: AtomicUsize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    closed: bool,
    /// [`Answerer::clips`] after the last batch.
    clips: ClipUse,
}

impl Queue {
    /// A queue for at most `size` requests at a time, those that are being answered included.
    pub fn new(size: usize) -> Arc<Self> {
        let size = size.clamp(1, Semaphore::MAX_PERMITS);
        let (state, wake, places) = (Mutex::default(), Condvar::new(), Arc::new(Semaphore::new(size)));
        Arc::new(Self { state, wake, places, size, running: AtomicUsize::new(0) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a request; none if all are taken.
    pub(crate) fn place(&self) -> Option<Place> {
        let take = || self.places.clone().try_acquire_owned().ok().map(Place::new);
        take().or_else(|| {
            self.lock().waiting.retain(|job| job.reply.wanted());
            take()
        })
    }

    /// Requests that may be there at a time.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Requests that hold a place.
    pub(crate) fn taken(&self) -> usize {
        self.size - self.places.available_permits()
    }

    /// Requests that wait for the answering thread.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Requests that are being answered.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// [`Answerer::clips`] after the last batch.
    pub(crate) fn clips(&self) -> ClipUse {
        self.lock().clips
    }

    /// Appends a job; one that comes after [`Queue::close`] fails.
    pub(crate) fn push(&self, job: Job) {
        let mut state = self.lock();
        if state.closed {
            job.reply.failed(Failure::Stopping);
        } else {
            state.waiting.push_back(job);
            self.wake.notify_one();
        }
    }

    /// Lets the running answers finish, fails the waiting requests, and ends [`Queue::work`].
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for job in state.waiting.drain(..) {
            job.reply.failed(Failure::Stopping);
        }
        self.wake.notify_all();
    }

    /// Answers requests on this thread until [`Queue::close`].
    pub fn work(&self, answerer: &mut dyn Answerer) {
        while let Some(jobs) = self.next() {
            self.running.store(jobs.len(), Ordering::Relaxed);
            answerer.answer(&jobs);
            self.running.store(0, Ordering::Relaxed);
            drop(jobs);
            self.lock().clips = answerer.clips();
        }
    }

    /// The job that has waited longest, and those behind it that can be decoded with it; none once the queue is closed.
    fn next(&self) -> Option<Vec<Job>> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            state.waiting.retain(|job| job.reply.wanted());
            if let Some(first) = state.waiting.pop_front() {
                return Some(with_company(first, &mut state.waiting));
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn with_company(first: Job, waiting: &mut VecDeque<Job>) -> Vec<Job> {
    let mut jobs = vec![first];
    let mut at = 0;
    while jobs.len() < MOST_TOGETHER && at < waiting.len() {
        if jobs[0].goes_with(&waiting[at]) {
            jobs.extend(waiting.remove(at));
        } else {
            at += 1;
        }
    }
    jobs
}

#[cfg(test)]
impl Queue {
    /// Waiting jobs whose client has left.
    pub(crate) fn abandoned(&self) -> usize {
        self.lock().waiting.iter().filter(|job| !job.reply.wanted()).count()
    }
}
