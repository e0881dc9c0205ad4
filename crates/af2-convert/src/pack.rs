//! Tensors from their checkpoints to a shard, in blocks of rows of which several are packed at the same time.

use std::collections::VecDeque;
use std::ops::{Range, RangeInclusive};

use af2_core::weights::Packed;
use af2_core::weights::safetensors::Dtype;

use crate::checkpoint::{Journal, Position};
use crate::error::ConvertError;
use crate::layout::{Block, Located, PlannedTensor, rotary_frequencies};
use crate::sink::ShardWriter;
use crate::source::LocalFuture;

/// Elements of a block: 256 KiB to 4 MiB of float32.
const BLOCK_ELEMENTS: RangeInclusive<u64> = 64 << 10..=1 << 20;
/// Blocks and checkpoints of a conversion: what a killed one has read in vain is a small share of the whole.
const BLOCKS: u64 = 4096;
const CHECKPOINTS: u64 = 512;

/// In which steps a conversion goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// About how many elements a block has; whole rows, one at least.
    block_elements: u64,
    /// Bytes read between two checkpoints.
    checkpoint_bytes: u64,
}

impl Pace {
    /// The pace of a conversion that reads so many bytes.
    pub fn of(source_bytes: u64) -> Self {
        let elements = source_bytes / 4 / BLOCKS;
        let block_elements = elements.clamp(*BLOCK_ELEMENTS.start(), *BLOCK_ELEMENTS.end());
        Self { block_elements, checkpoint_bytes: source_bytes / CHECKPOINTS }
    }
}

/// A block that is being packed, or the reason why it cannot be.
pub type PackedBlock<'a> = LocalFuture<'a, Result<Packed, crate::ReleaseError>>;

/// Where blocks are packed.
pub trait Workers {
    /// How many blocks may be in flight. Each is held as read, decoded and packed.
    fn width(&self) -> usize;

    /// Starts to pack a block, or leaves it to the returned future.
    ///
    /// # Errors
    /// [`StorageError`](crate::StorageError) if the worker is gone.
    fn start(&self, block: Block) -> PackedBlock<'_>;
}

/// Packs on the thread that drives the conversion.
#[derive(Debug, Clone, Copy, Default)]
pub struct Inline;

impl Workers for Inline {
    fn width(&self) -> usize {
        1
    }

    fn start(&self, block: Block) -> PackedBlock<'_> {
        Box::pin(async move { Ok(block.pack()) })
    }
}

/// Announces the reads of a shard's tensors from `position` on.
pub(crate) fn announce(tensors: &[PlannedTensor<'_>], position: &Position, pace: Pace) {
    for slice in slices(tensors, position, pace) {
        if let Some((located, bytes)) = slice.source() {
            located.bytes.announce(bytes);
        }
    }
}

/// Reads, packs and writes a shard's tensors in order, from `position` on: the data of a tensor as its blocks come, and then its
/// scales. `advance` is told the bytes read.
pub(crate) async fn pack_tensors(
    tensors: &[PlannedTensor<'_>],
    mut position: Position,
    pace: Pace,
    workers: &dyn Workers,
    (writer, journal): (&mut ShardWriter<'_>, &Journal),
    advance: &mut dyn FnMut(u64),
) -> Result<(), ConvertError> {
    let first = position.clone();
    let mut slices = slices(tensors, &first, pace);
    let mut in_flight = VecDeque::new();
    let mut since_checkpoint = 0;
    loop {
        let next = if in_flight.len() < workers.width().max(1) { slices.next() } else { None };
        if let Some(slice) = next {
            let block = slice.read().await?;
            in_flight.push_back((workers.start(block), slice));
            continue;
        }
        let Some((packed, slice)) = in_flight.pop_front() else { return Ok(()) };
        let packed = packed.await??;
        writer.write(&packed.data).await?;
        let room = slice.planned.scale_bytes().saturating_sub(position.scales.len());
        position.scales.reserve_exact(room); // growing by doubling would take twice the memory
        position.scales.extend_from_slice(&packed.scales);
        position.elements = slice.elements.end;
        if slice.is_last() {
            writer.write(&position.scales).await?;
            position = Position { tensor: slice.tensor + 1, ..Position::default() };
        }
        advance(slice.source_bytes());
        since_checkpoint += slice.source_bytes();
        if since_checkpoint >= pace.checkpoint_bytes {
            writer.checkpoint(&journal.state(&position, writer.bytes())?).await?;
            since_checkpoint = 0;
        }
    }
}

/// Some rows of a planned tensor.
struct Slice<'p> {
    planned: &'p PlannedTensor<'p>,
    /// Index of the tensor in its shard.
    tensor: usize,
    elements: Range<u64>,
}

/// The blocks of a shard's tensors from `position` on.
fn slices<'p>(
    tensors: &'p [PlannedTensor<'p>],
    position: &Position,
    pace: Pace,
) -> impl Iterator<Item = Slice<'p>> + use<'p> {
    let (first, elements) = (position.tensor, position.elements);
    let rest = tensors.iter().enumerate().skip(first);
    rest.flat_map(move |(tensor, planned)| {
        let begin = if tensor == first { elements } else { 0 };
        Slice::all(tensor, planned, begin, pace.block_elements)
    })
}

impl<'p> Slice<'p> {
    /// The blocks of a tensor from element `begin` on, which begins a row.
    fn all(
        tensor: usize,
        planned: &'p PlannedTensor<'p>,
        begin: u64,
        elements: u64,
    ) -> impl Iterator<Item = Self> + use<'p> {
        let total = planned.tensor.parameters();
        let cols = (planned.tensor.matrix().1 as u64).max(1);
        let step = (elements / cols).max(1) * cols;
        let starts = (begin..total).step_by(step as usize);
        starts.map(move |start| Slice { planned, tensor, elements: start..(start + step).min(total) })
    }

    fn is_last(&self) -> bool {
        self.elements.end == self.planned.tensor.parameters()
    }

    /// Bytes of the checkpoint that the slice stands for.
    fn source_bytes(&self) -> u64 {
        let size = self.planned.located.map_or(0, |located| located.dtype.size());
        (self.elements.end - self.elements.start) * size
    }

    /// Where the slice's bytes are. Only rotary frequencies can be planned without a checkpoint.
    fn source(&self) -> Option<(&'p Located<'p>, Range<u64>)> {
        let located = self.planned.located?;
        let size = located.dtype.size();
        Some((located, self.elements.start * size..self.elements.end * size))
    }

    async fn read(&self) -> Result<Block, ConvertError> {
        let (dtype, bytes) = match self.source() {
            Some((located, bytes)) => (located.dtype, located.bytes.read(bytes).await?),
            None => {
                let values = rotary_frequencies(2 * self.planned.tensor.matrix().1);
                let values = &values[self.elements.start as usize..self.elements.end as usize];
                (Dtype::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect())
            }
        };
        Ok(Block {
            tensor: self.planned.tensor.name.clone(),
            first: self.elements.start,
            dtype,
            bytes,
            scheme: self.planned.scheme,
            cols: self.planned.tensor.matrix().1,
        })
    }
}
