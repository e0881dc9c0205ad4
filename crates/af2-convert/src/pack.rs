//! Tensors from their checkpoints to a shard, in blocks of rows of which several are packed at the same time.

use std::collections::VecDeque;
use std::ops::Range;

use af2_core::weights::Packed;
use af2_core::weights::safetensors::Dtype;

use crate::error::ConvertError;
use crate::layout::{Block, PlannedTensor, rotary_frequencies};
use crate::sink::ShardWriter;
use crate::source::LocalFuture;

/// Elements of a block: 16 MiB of float32.
const BLOCK_ELEMENTS: u64 = 4 << 20;

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

/// Reads, packs and writes tensors in order: the data of a tensor as its blocks come, and then its scales. `advance` is
/// told the bytes read.
pub(crate) async fn pack_tensors(
    tensors: &[PlannedTensor<'_>],
    workers: &dyn Workers,
    writer: &mut ShardWriter<'_>,
    advance: &mut dyn FnMut(u64),
) -> Result<(), ConvertError> {
    let mut slices = tensors.iter().flat_map(Slice::all);
    let mut in_flight = VecDeque::new();
    let mut scales = Vec::new();
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
        scales.extend_from_slice(&packed.scales);
        if slice.is_last() {
            writer.write(&scales).await?;
            scales.clear();
        }
        advance(slice.source_bytes());
    }
}

/// Some rows of a planned tensor.
struct Slice<'p> {
    planned: &'p PlannedTensor<'p>,
    elements: Range<u64>,
}

impl<'p> Slice<'p> {
    /// The blocks of a tensor.
    fn all(planned: &'p PlannedTensor<'p>) -> impl Iterator<Item = Self> {
        let total = planned.tensor.parameters();
        let cols = (planned.tensor.matrix().1 as u64).max(1);
        let step = (BLOCK_ELEMENTS / cols).max(1) * cols;
        (0..total.div_ceil(step)).map(move |i| Slice { planned, elements: i * step..((i + 1) * step).min(total) })
    }

    fn is_last(&self) -> bool {
        self.elements.end == self.planned.tensor.parameters()
    }

    /// Bytes of the checkpoint that the slice stands for.
    fn source_bytes(&self) -> u64 {
        let size = self.planned.located.map_or(0, |located| located.dtype.size());
        (self.elements.end - self.elements.start) * size
    }

    async fn read(&self) -> Result<Block, ConvertError> {
        let Range { start, end } = self.elements;
        let (dtype, bytes) = match self.planned.located {
            Some(located) => {
                let size = located.dtype.size();
                (located.dtype, located.bytes.read(start * size..end * size).await?)
            }
            // Only the rotary frequencies can be planned without a checkpoint.
            None => {
                let values = rotary_frequencies(2 * self.planned.tensor.matrix().1);
                (Dtype::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect())
            }
        };
        Ok(Block {
            tensor: self.planned.tensor.name.clone(),
            first: start,
            dtype,
            bytes,
            scheme: self.planned.scheme,
            cols: self.planned.tensor.matrix().1,
        })
    }
}
