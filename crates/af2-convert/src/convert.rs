//! From an open release to the files of a converted model.

use std::collections::BTreeMap;

use af2_core::weights::index::{FORMAT, INDEX_FILE, IndexMetadata, ModelIndex, SMALL_FILES, Shard};
use af2_core::weights::safetensors::TensorSpec;

use crate::checkpoint::{Journal, Position, Start};
use crate::error::ConvertError;
use crate::layout::{Plan, PlannedTensor, ShardPlan};
use crate::pack::{Pace, Workers, announce, pack_tensors};
use crate::release::{Options, Release};
use crate::sink::{ShardWriter, Sink, json, write_file};

/// What a conversion wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Weights of the model.
    pub parameters: u64,
    /// Bytes of all tensors.
    pub bytes: u64,
    /// Shards.
    pub shards: usize,
}

impl Release<'_> {
    /// Writes the converted model: shards, small files, and the index last, so that an interrupted conversion never
    /// looks complete. `progress` is called with the bytes read so far and in all.
    ///
    /// Where the sink stores checkpoints and holds one of this conversion, the conversion goes on from there; the result is byte
    /// for byte that of an uninterrupted one. All reads are announced to the sources before the first.
    ///
    /// # Errors
    /// [`ConvertError`], as one line that names the file or tensor and what to do.
    pub async fn convert(
        &self,
        options: &Options,
        workers: &dyn Workers,
        sink: &mut dyn Sink,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Report, ConvertError> {
        let plan = self.plan(options)?;
        let pace = Pace::of(plan.source_bytes());
        let (mut journal, Start { shards: complete, mut open }) = Journal::open(&plan, sink).await?;
        let rest = &plan.shards[complete.len().min(plan.shards.len())..];
        let mut position = open.as_ref().map_or_else(Position::default, |open| open.position.clone());
        let (left, total) = (left(rest, &position), plan.source_bytes());
        let mut done = total.saturating_sub(left);
        if done > 0 {
            progress(done, total); // resumed
        }
        let mut advance = |bytes: u64| {
            done += bytes;
            progress(done, total);
        };
        for (number, shard) in rest.iter().enumerate() {
            announce(&shard.tensors, if number == 0 { &position } else { &BEGIN }, pace);
        }
        for shard in rest {
            let mut writer = match open.take() {
                Some(open) => ShardWriter::resume(sink, open.hasher),
                None => ShardWriter::create(sink, &shard.name, &specs(shard)).await?,
            };
            let from = std::mem::take(&mut position);
            pack_tensors(&shard.tensors, from, pace, workers, (&mut writer, &journal), &mut advance).await?;
            journal.shards.push(writer.finish().await?);
            sink.checkpoint(&journal.state(&BEGIN, 0)?).await?;
        }
        let names = plan.shards.iter().map(|shard| shard.name.clone());
        let shards: BTreeMap<String, Shard> = names.zip(journal.shards).collect();
        let files = self.write_small_files(sink).await?;
        write_file(sink, INDEX_FILE, index(&plan, shards, files).to_json()?.as_bytes()).await?;
        Ok(Report { parameters: plan.parameters(), bytes: plan.bytes(), shards: plan.shards.len() })
    }

    /// Writes the small files, and returns their sizes and digests.
    async fn write_small_files(&self, sink: &mut dyn Sink) -> Result<BTreeMap<String, Shard>, ConvertError> {
        let [config, generation, tokenizer] = SMALL_FILES;
        let lm = &self.language_model;
        let files = [
            (config, json(config, &self.config)?),
            (generation, json(generation, &lm.generation_config())?),
            (tokenizer, lm.tokenizer.json.clone()),
        ];
        let mut written = BTreeMap::new();
        for (name, bytes) in files {
            write_file(sink, name, &bytes).await?;
            written.insert(name.to_owned(), Shard::of(&bytes));
        }
        Ok(written)
    }
}

impl Plan<'_> {
    /// Announces all reads of a conversion from the beginning, as [`Release::convert`] does, for an estimate of what they take.
    pub fn announce(&self) {
        let pace = Pace::of(self.source_bytes());
        self.shards.iter().for_each(|shard| announce(&shard.tensors, &BEGIN, pace));
    }
}

/// The begin of a shard.
static BEGIN: Position = Position { tensor: 0, elements: 0, scales: Vec::new() };

/// Bytes still to be read for these shards, the first of them from `position` on.
fn left(shards: &[ShardPlan<'_>], position: &Position) -> u64 {
    let tensors = |shard: &'_ ShardPlan<'_>, count| -> u64 {
        shard.tensors.iter().take(count).map(PlannedTensor::source_bytes).fold(0, u64::saturating_add)
    };
    let all = shards.iter().map(|shard| tensors(shard, usize::MAX)).fold(0, u64::saturating_add);
    let Some(first) = shards.first() else { return all };
    let before = tensors(first, position.tensor);
    let current = first.tensors.get(position.tensor).and_then(|planned| planned.located);
    let within = current.map_or(0, |located| position.elements * located.dtype.size());
    all.saturating_sub(before).saturating_sub(within)
}

fn specs(shard: &ShardPlan<'_>) -> Vec<TensorSpec> {
    shard.tensors.iter().flat_map(|planned| planned.specs()).collect()
}

fn index(plan: &Plan<'_>, shards: BTreeMap<String, Shard>, files: BTreeMap<String, Shard>) -> ModelIndex {
    ModelIndex {
        metadata: IndexMetadata {
            format: FORMAT.into(),
            total_size: plan.bytes(),
            total_parameters: plan.parameters(),
            self_test: None,
        },
        weight_map: plan.weight_map(),
        shards,
        quantization: plan.quantization(),
        files,
    }
}
