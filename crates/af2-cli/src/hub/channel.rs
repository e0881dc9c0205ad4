//! A bounded channel from a blocking thread to a future.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// The end of a thread. Dropping it ends the channel.
pub(super) struct Sender<T>(Arc<Shared<T>>);

/// The end of a future. Dropping it makes the sender fail.
pub(super) struct Receiver<T>(Arc<Shared<T>>);

/// Nobody receives any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Closed;

struct Shared<T> {
    state: Mutex<State<T>>,
    /// Told when there is room again, or the receiver is gone.
    room: Condvar,
    bound: usize,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
    waker: Option<Waker>,
}

/// A channel that holds up to `bound` items.
pub(super) fn bounded<T>(bound: usize) -> (Sender<T>, Receiver<T>) {
    let state = Mutex::new(State { items: VecDeque::new(), closed: false, waker: None });
    let shared = Arc::new(Shared { state, room: Condvar::new(), bound });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let waker = state.waker.take();
        drop(state);
        self.room.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Sender<T> {
    /// Adds an item; blocks while the channel is full.
    pub fn send(&self, item: T) -> Result<(), Closed> {
        let full = |state: &mut State<T>| !state.closed && state.items.len() >= self.0.bound;
        let mut state = self.0.room.wait_while(self.0.lock(), full).unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(Closed);
        }
        state.items.push_back(item);
        if let Some(waker) = state.waker.take() {
            drop(state);
            waker.wake();
        }
        Ok(())
    }
}

impl<T> Receiver<T> {
    /// The next item; `None` when the sender is gone and all was received.
    pub async fn recv(&self) -> Option<T> {
        poll_fn(|context| {
            let mut state = self.0.lock();
            if let Some(item) = state.items.pop_front() {
                drop(state);
                self.0.room.notify_one();
                return Poll::Ready(Some(item));
            }
            if state.closed {
                return Poll::Ready(None);
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use pollster::block_on;

    use super::*;

    #[test]
    fn everything_arrives_in_order_through_a_narrow_channel() {
        let (sender, receiver) = bounded(2);
        let thread = thread::spawn(move || (0..1000).try_for_each(|i| sender.send(i)));
        let received: Vec<i32> = block_on(async {
            let mut items = Vec::new();
            while let Some(item) = receiver.recv().await {
                items.push(item);
            }
            items
        });
        assert_eq!(thread.join().unwrap(), Ok(()));
        assert!(received.into_iter().eq(0..1000));
    }

    #[test]
    fn a_sender_without_receiver_ends() {
        let (sender, receiver) = bounded(1);
        let thread = thread::spawn(move || [sender.send(1), sender.send(2), sender.send(3)]);
        assert_eq!(block_on(receiver.recv()), Some(1));
        drop(receiver);
        assert_eq!(thread.join().unwrap()[2], Err(Closed));
    }
}
