//! From an open release to the files of a converted model.

use std::collections::BTreeMap;

use af2_core::config::CONFIG_FILE;
use af2_core::weights::index::{FORMAT, INDEX_FILE, IndexMetadata, ModelIndex, Shard};

use crate::error::ConvertError;
use crate::layout::{Plan, ShardPlan};
use crate::pack::{Workers, pack_tensors};
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
        let (mut done, total) = (0, plan.source_bytes());
        let mut advance = |bytes: u64| {
            done += bytes;
            progress(done, total);
        };
        let mut shards = BTreeMap::new();
        for shard in &plan.shards {
            shards.insert(shard.name.clone(), write_shard(shard, workers, sink, &mut advance).await?);
        }
        self.write_small_files(sink).await?;
        write_file(sink, INDEX_FILE, index(&plan, shards).to_json()?.as_bytes()).await?;
        Ok(Report { parameters: plan.parameters(), bytes: plan.bytes(), shards: plan.shards.len() })
    }

    async fn write_small_files(&self, sink: &mut dyn Sink) -> Result<(), ConvertError> {
        const GENERATION: &str = "generation_config.json";
        let lm = &self.language_model;
        write_file(sink, CONFIG_FILE, &json(CONFIG_FILE, &self.config)?).await?;
        write_file(sink, GENERATION, &json(GENERATION, &lm.generation_config())?).await?;
        write_file(sink, "tokenizer.json", &lm.tokenizer.json).await
    }
}

async fn write_shard(
    shard: &ShardPlan<'_>,
    workers: &dyn Workers,
    sink: &mut dyn Sink,
    advance: &mut dyn FnMut(u64),
) -> Result<Shard, ConvertError> {
    let specs: Vec<_> = shard.tensors.iter().flat_map(|planned| planned.specs()).collect();
    let mut writer = ShardWriter::create(sink, &shard.name, &specs).await?;
    pack_tensors(&shard.tensors, workers, &mut writer, advance).await?;
    writer.finish().await
}

fn index(plan: &Plan<'_>, shards: BTreeMap<String, Shard>) -> ModelIndex {
    ModelIndex {
        metadata: IndexMetadata {
            format: FORMAT.into(),
            total_size: plan.bytes(),
            total_parameters: plan.parameters(),
        },
        weight_map: plan.weight_map(),
        shards,
        quantization: plan.quantization(),
    }
}
