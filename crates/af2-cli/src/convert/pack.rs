//! One tensor from its source to its shard, in blocks of rows, packed by several threads.

use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use af2_core::release::{Located, PlannedTensor, Values, rotary_frequencies};
use af2_core::weights::{Packed, Scheme};

use super::error::ConvertError;
use super::shard_writer::ShardWriter;
use super::source::Source;

/// Elements of a block: 16 MiB of f32. Each thread holds about three blocks in two representations.
const BLOCK_ELEMENTS: u64 = 4 << 20;

type Block = Result<Packed, ConvertError>;

/// Reads, packs and writes one tensor; `advance` is told the bytes read.
pub(super) fn write_tensor(
    planned: &PlannedTensor<'_, Source>,
    writer: &mut ShardWriter,
    advance: &mut dyn FnMut(u64),
) -> Result<(), ConvertError> {
    let Some(located) = planned.located else {
        let values = rotary_frequencies(2 * planned.tensor.matrix().1);
        return writer.write(&Scheme::F32.pack(1, values.len(), &values).map_err(unpackable(planned))?.data);
    };
    let job = Job::new(planned, located);
    let threads = thread::available_parallelism().map_or(1, usize::from).min(job.blocks.len());
    if threads <= 1 {
        return write_blocks(&job, &mut |block| job.block(block), writer, advance);
    }
    thread::scope(|scope| {
        let receivers: Vec<Receiver<Block>> = (0..threads)
            .map(|first| {
                let (sender, receiver) = sync_channel(1);
                let job = &job;
                scope.spawn(move || job.every(threads, first, &sender));
                receiver
            })
            .collect();
        let mut turn = receivers.iter().cycle();
        let mut next = |_: &Range<u64>| match turn.next().map(Receiver::recv) {
            Some(Ok(block)) => block,
            _ => Err(job.interrupted()),
        };
        write_blocks(&job, &mut next, writer, advance)
    })
}

/// A tensor cut in blocks of whole rows.
struct Job<'a> {
    planned: &'a PlannedTensor<'a, Source>,
    located: &'a Located<Source>,
    /// Ranges of elements.
    blocks: Vec<Range<u64>>,
}

impl<'a> Job<'a> {
    fn new(planned: &'a PlannedTensor<'a, Source>, located: &'a Located<Source>) -> Self {
        let total = planned.tensor.parameters();
        let cols = (planned.tensor.matrix().1 as u64).max(1);
        let step = match located.source.reads_pieces() {
            true => (BLOCK_ELEMENTS / cols).max(1) * cols,
            false => total.max(1),
        };
        let blocks = (0..total.div_ceil(step)).map(|i| i * step..((i + 1) * step).min(total)).collect();
        Job { planned, located, blocks }
    }

    fn block(&self, elements: &Range<u64>) -> Block {
        let size = self.located.dtype.size();
        let bytes = self.located.source.read(elements.start * size..elements.end * size)?;
        let values = Values {
            tensor: &self.planned.tensor.name,
            first: elements.start,
            dtype: self.located.dtype,
            bytes: &bytes,
        };
        Ok(values.pack(self.planned.scheme, self.planned.tensor.matrix().1)?)
    }

    /// Sends every `step`-th block from `first` on; ends early when nobody listens any more.
    fn every(&self, step: usize, first: usize, sender: &SyncSender<Block>) {
        for block in self.blocks.iter().skip(first).step_by(step) {
            if sender.send(self.block(block)).is_err() {
                return;
            }
        }
    }

    fn interrupted(&self) -> ConvertError {
        let error = std::io::Error::other("a packing thread stopped");
        ConvertError::io("pack", self.planned.tensor.name.as_ref())(error)
    }
}

/// Writes the data of all blocks as they come, and the scales after them.
fn write_blocks(
    job: &Job<'_>,
    next: &mut dyn FnMut(&Range<u64>) -> Block,
    writer: &mut ShardWriter,
    advance: &mut dyn FnMut(u64),
) -> Result<(), ConvertError> {
    let mut scales = Vec::new();
    for block in &job.blocks {
        let packed = next(block)?;
        writer.write(&packed.data)?;
        scales.extend_from_slice(&packed.scales);
        advance((block.end - block.start) * job.located.dtype.size());
    }
    writer.write(&scales)
}

fn unpackable(planned: &PlannedTensor<'_, Source>) -> impl FnOnce(af2_core::weights::SchemeError) -> ConvertError {
    let tensor = planned.tensor.name.clone();
    move |error| ConvertError::Release(af2_core::release::ReleaseError::Pack { tensor, error })
}
