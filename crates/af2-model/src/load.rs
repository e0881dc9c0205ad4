//! A model from pieces of its shards, in any order of shards, without holding weights on the host.

use std::collections::{BTreeMap, HashSet};

use af2_core::config::ModelConfig;
use af2_core::generation::MOST_POSITIONS;
use af2_core::text::Tokenizer;
use af2_core::weights::index::ModelIndex;
use af2_core::weights::safetensors::{Header, TensorEntry, header_bytes};
use af2_core::weights::verify::ShardHasher;
use af2_gpu::Gpu;

use crate::weights::{Destinations, Weights};
use crate::{Model, ModelError};

/// Takes the bytes of shards as they come and writes them to where the kernels read them.
pub struct ModelLoader {
    gpu: Gpu,
    model: Model,
    index: ModelIndex,
    destinations: Destinations,
    shards: BTreeMap<String, ShardReader>,
    complete: HashSet<String>,
}

/// How far a shard has been read.
#[derive(Default)]
struct ShardReader {
    hasher: ShardHasher,
    /// Header bytes until it is complete.
    head: Vec<u8>,
    /// Tensors in order of their place in the file.
    tensors: Option<Vec<(String, TensorEntry)>>,
    next: usize,
    /// Bytes of the current tensor that do not fill a word yet, and how many of its bytes came before them.
    word: Vec<u8>,
    taken: u64,
}

impl ModelLoader {
    /// Allocates all that the model needs on the GPU; no weight has been read yet.
    ///
    /// # Errors
    /// A file is malformed, or the device has too little memory.
    pub async fn new(
        gpu: &Gpu,
        config_json: &[u8],
        tokenizer_json: &[u8],
        index_json: &[u8],
    ) -> Result<Self, ModelError> {
        let config = ModelConfig::parse(config_json).map_err(|error| ModelError::Config(error.to_string()))?;
        let index = ModelIndex::parse(index_json)?;
        let tokenizer = Tokenizer::from_json(tokenizer_json)?;
        let mut allocated = None;
        gpu.scoped("the weights", || {
            allocated = Some(Weights::allocate(gpu, &config, &index, MOST_POSITIONS));
            Ok(())
        })
        .await?;
        let (weights, destinations) =
            allocated.unwrap_or_else(|| Err(ModelError::Config("nothing was allocated".into())))?;
        if let Some(tensor) = destinations.keys().find(|name| !index.weight_map.contains_key(*name)) {
            return Err(ModelError::Tensor { tensor: tensor.clone(), problem: "the index does not list it".into() });
        }
        let shards = index.shards.keys().map(|name| (name.clone(), ShardReader::default())).collect();
        let complete = HashSet::new();
        let model = Model::new(gpu.clone(), config, tokenizer, weights)?;
        Ok(Self { gpu: gpu.clone(), model, index, destinations, shards, complete })
    }

    /// Compiles every kernel that the model needs. A browser does so in its GPU process, while the shards' bytes arrive: call this
    /// before the first of them.
    ///
    /// # Errors
    /// The device has too little memory, or a kernel does not compile.
    pub async fn warm_up(&self) -> Result<(), ModelError> {
        self.model.warm_up().await
    }

    /// File names of the shards and their sizes in bytes.
    pub fn shards(&self) -> Vec<(String, u64)> {
        self.index.shards.iter().map(|(name, shard)| (name.clone(), shard.bytes)).collect()
    }

    /// Takes the next bytes of a shard. Shards may come interleaved; the bytes of each come in order.
    ///
    /// # Errors
    /// The shard is unknown or its header is not sound.
    pub fn push(&mut self, shard: &str, bytes: &[u8]) -> Result<(), ModelError> {
        let file_bytes = self.index.shards.get(shard).map(|shard| shard.bytes);
        let (Some(reader), Some(file_bytes)) = (self.shards.get_mut(shard), file_bytes) else {
            return Err(ModelError::UnknownShard(shard.into()));
        };
        reader.hasher.update(bytes);
        let body = reader.take_header(shard, bytes, file_bytes, &self.destinations)?;
        reader.take_body(&self.gpu, body, &self.destinations, &mut self.complete);
        Ok(())
    }

    /// Compares the shard's size and SHA-256 with the index.
    ///
    /// # Errors
    /// They differ, or the shard is unknown.
    pub fn finish_shard(&mut self, shard: &str) -> Result<(), ModelError> {
        let expected = self.index.shards.get(shard);
        let (Some(reader), Some(expected)) = (self.shards.get(shard), expected) else {
            return Err(ModelError::UnknownShard(shard.into()));
        };
        reader.hasher.clone().verify(shard, expected.bytes, &expected.sha256)?;
        Ok(())
    }

    /// Forgets what was read of a shard, so that it can be pushed again from its first byte.
    pub fn restart_shard(&mut self, shard: &str) {
        if let Some(reader) = self.shards.get_mut(shard) {
            *reader = ShardReader::default();
        }
    }

    /// Completes when the uploads so far have left host memory.
    ///
    /// # Errors
    /// The device was lost or ran out of memory.
    pub async fn settle(&self) -> Result<(), ModelError> {
        Ok(self.gpu.idle().await?)
    }

    /// The model, once every shard was pushed.
    ///
    /// # Errors
    /// A tensor is missing, or the device was lost.
    pub async fn finish(self) -> Result<Model, ModelError> {
        let missing = self.destinations.keys().filter(|name| !self.complete.contains(*name)).min();
        if let Some(tensor) = missing {
            let problem = "it was not among the shards read".into();
            return Err(ModelError::Tensor { tensor: tensor.clone(), problem });
        }
        self.settle().await?;
        Ok(self.model)
    }
}

impl ShardReader {
    /// Collects the header; returns what follows it.
    fn take_header<'b>(
        &mut self,
        shard: &str,
        bytes: &'b [u8],
        file_bytes: u64,
        destinations: &Destinations,
    ) -> Result<&'b [u8], ModelError> {
        if self.tensors.is_some() {
            return Ok(bytes);
        }
        let wrong = |source| ModelError::Header { shard: shard.into(), source };
        let before = self.head.len();
        let prefix = |head: &[u8]| head.first_chunk::<8>().copied();
        let wanted = |head: &[u8]| prefix(head).map_or(Ok(8), |first| header_bytes(first, file_bytes).map(|n| n + 8));
        let mut used = 0;
        while used < bytes.len() && self.head.len() < wanted(&self.head).map_err(wrong)? {
            let take = (wanted(&self.head).map_err(wrong)? - self.head.len()).min(bytes.len() - used);
            self.head.extend_from_slice(&bytes[used..used + take]);
            used += take;
        }
        debug_assert_eq!(self.head.len(), before + used, "every byte used is kept");
        if prefix(&self.head).is_some() && self.head.len() == wanted(&self.head).map_err(wrong)? {
            let header = Header::parse(&self.head[8..], file_bytes).map_err(wrong)?;
            self.head = Vec::new();
            self.tensors = Some(in_file_order(header, destinations)?);
        }
        Ok(&bytes[used..])
    }

    fn take_body(&mut self, gpu: &Gpu, mut bytes: &[u8], destinations: &Destinations, complete: &mut HashSet<String>) {
        let Some(tensors) = &self.tensors else { return };
        while let Some((name, entry)) = tensors.get(self.next) {
            let left = entry.bytes() - self.taken - self.word.len() as u64;
            let take = left.min(bytes.len() as u64) as usize;
            let last = take as u64 == left;
            if let Some(expected) = destinations.get(name) {
                let whole = if last { self.word.len() + take } else { (self.word.len() + take) / 4 * 4 };
                self.word.extend_from_slice(&bytes[..take]);
                for destination in &expected.destinations {
                    write_overlap(gpu, &self.word[..whole], self.taken, destination);
                }
                self.word.drain(..whole);
                self.taken += whole as u64;
            } else {
                self.taken += take as u64;
            }
            bytes = &bytes[take..];
            if !last {
                return;
            }
            complete.insert(name.clone());
            self.next += 1;
            self.taken = 0;
        }
    }
}

/// Writes what `bytes`, which start at `offset` of the tensor, share with a destination.
fn write_overlap(gpu: &Gpu, bytes: &[u8], offset: u64, destination: &crate::weights::Destination) {
    let begin = offset.max(destination.tensor_offset);
    let end = (offset + bytes.len() as u64).min(destination.tensor_offset + destination.bytes);
    if begin < end {
        let piece = &bytes[(begin - offset) as usize..(end - offset) as usize];
        gpu.write(&destination.buffer, destination.buffer_offset + begin - destination.tensor_offset, piece);
    }
}

fn in_file_order(header: Header, destinations: &Destinations) -> Result<Vec<(String, TensorEntry)>, ModelError> {
    let mut tensors: Vec<_> = header.tensors.into_iter().collect();
    tensors.sort_by_key(|(_, entry)| entry.begin);
    for (name, entry) in &tensors {
        let expected = destinations.get(name).map_or(entry.bytes(), |expected| expected.bytes);
        if entry.bytes() != expected {
            let problem = format!("it has {} bytes, the configuration asks for {expected}", entry.bytes());
            return Err(ModelError::Tensor { tensor: name.clone(), problem });
        }
    }
    Ok(tensors)
}
