//! Threads that pack blocks, one per core.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use af2_convert::{Block, PackedBlock, ReleaseError, StorageError, Workers};
use af2_core::weights::Packed;

type Job = (Block, SyncSender<Result<Packed, ReleaseError>>);

/// Packing threads; they end when this is dropped.
pub(crate) struct Threads {
    jobs: Sender<Job>,
    count: usize,
}

impl Threads {
    pub fn new() -> Self {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..count {
            let queue = Arc::clone(&queue);
            thread::spawn(move || work(&queue));
        }
        Self { jobs, count }
    }
}

/// Packs until there is no sender of jobs any more.
fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((block, reply)) = next else { return };
        // A conversion that failed no longer listens.
        let _ = reply.send(block.pack());
    }
}

impl Workers for Threads {
    /// One more than there are threads, so that a block is ready while another is read or written.
    fn width(&self) -> usize {
        self.count + 1
    }

    /// The future blocks its thread, which has nothing else to do.
    fn start(&self, block: Block) -> PackedBlock<'_> {
        let location = block.tensor.clone();
        let (reply, packed) = sync_channel(1);
        let sent = self.jobs.send((block, reply));
        Box::pin(async move {
            let packed = sent.ok().and_then(|()| packed.recv().ok());
            let reason = "a packing thread stopped".to_owned();
            packed.ok_or(StorageError { action: "pack", location, reason, absent: false })
        })
    }
}
