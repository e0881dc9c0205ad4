//! From a release directory to a converted model: files and threads around the rules of `af2_core::release`.
//!
//! Tensors stream through in blocks of rows, so memory does not grow with the model. Everything is written next to the
//! target and renamed at the end; the index comes last, so an interrupted conversion never looks complete.

mod clap_checkpoint;
mod error;
pub(crate) mod files;
mod language_model;
mod pack;
mod release_dir;
mod shard_writer;
mod source;
mod staging;
mod tensor_file;

use std::collections::BTreeMap;
use std::path::PathBuf;

use af2_core::config::{CONFIG_FILE, ModelConfig};
use af2_core::release::{Catalog, InferenceSettings, Plan, ShardPlan, infer};
use af2_core::weights::Scheme;
use af2_core::weights::index::{FORMAT, INDEX_FILE, IndexMetadata, ModelIndex, Shard};

pub use error::ConvertError;
pub(crate) use language_model::LanguageModel;
use release_dir::Release;
pub(crate) use shard_writer::ShardWriter;
pub(crate) use source::Source;
pub(crate) use staging::Staging;

/// What to convert, and how.
#[derive(Debug, Clone)]
pub struct ConvertOptions {
    /// Directory with `safe_ckpt/` and `configs/inference.yaml`.
    pub release_dir: PathBuf,
    /// Directory to write; absent or empty.
    pub out_dir: PathBuf,
    /// The base language model's directory; by default what `inference.yaml` names, inside of the release.
    pub lm_dir: Option<PathBuf>,
    /// A PyTorch checkpoint with encoder weights.
    pub clap_file: Option<PathBuf>,
    /// How matrices are stored.
    pub scheme: Scheme,
    /// About how large a shard may be; a single tensor may exceed it.
    pub shard_bytes: u64,
}

/// What a conversion wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvertReport {
    /// Weights of the model.
    pub parameters: u64,
    /// Bytes of all tensors.
    pub bytes: u64,
    /// Shards.
    pub shards: usize,
}

/// Converts, calling `progress` with the bytes read so far and in all.
///
/// # Errors
/// [`ConvertError`], as one line naming the file or tensor and the way out. Nothing is left behind.
pub fn convert(options: &ConvertOptions, progress: &mut dyn FnMut(u64, u64)) -> Result<ConvertReport, ConvertError> {
    let staging = Staging::new(&options.out_dir)?;
    let release = Release::open(&options.release_dir)?;
    let lm = LanguageModel::open(&release.lm_dir(options.lm_dir.as_deref())?)?;
    let catalog = catalog(options, &release, &lm)?;
    let source = ModelSource { catalog: &catalog, settings: &release.settings, name: &release.name, lm: &lm };
    let report = write_model(&staging, &source, options.scheme, options.shard_bytes, progress)?;
    staging.publish()?;
    Ok(report)
}

/// What a model is made from.
pub(crate) struct ModelSource<'a> {
    /// All tensors.
    pub catalog: &'a Catalog<Source>,
    /// `configs/inference.yaml`.
    pub settings: &'a InferenceSettings,
    /// Name of the model.
    pub name: &'a str,
    /// The base language model.
    pub lm: &'a LanguageModel,
}

/// Writes shards, small files and at last the index.
pub(crate) fn write_model(
    staging: &Staging,
    source: &ModelSource<'_>,
    scheme: Scheme,
    shard_bytes: u64,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<ConvertReport, ConvertError> {
    let ModelSource { catalog, settings, name, lm } = source;
    let size = lm.tokenizer.tokenizer.vocab_size();
    let config = infer(catalog, settings, &lm.settings, name, lm.tokenizer.tokens.clone(), size)?;
    let plan = Plan::new(catalog, &config, scheme, shard_bytes)?;
    let shards = write_shards(&plan, staging, progress)?;
    write_small_files(staging, &config, lm)?;
    files::write(&staging.path(INDEX_FILE), index(&plan, shards).to_json()?.as_bytes())?;
    Ok(ConvertReport { parameters: plan.parameters(), bytes: plan.bytes(), shards: plan.shards.len() })
}

/// All tensors of all sources.
fn catalog(options: &ConvertOptions, release: &Release, lm: &LanguageModel) -> Result<Catalog<Source>, ConvertError> {
    let mut catalog = Catalog::default();
    if let Some(file) = &options.clap_file {
        clap_checkpoint::add(&mut catalog, file)?;
    }
    lm.add(&mut catalog)?;
    release.add(&mut catalog)?;
    Ok(catalog)
}

fn write_shards(
    plan: &Plan<'_, Source>,
    staging: &Staging,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<BTreeMap<String, Shard>, ConvertError> {
    let (mut done, total) = (0, plan.source_bytes());
    let mut advance = |bytes: u64| {
        done += bytes;
        progress(done, total);
    };
    plan.shards.iter().map(|shard| write_shard(shard, staging, &mut advance)).collect()
}

fn write_shard(
    shard: &ShardPlan<'_, Source>,
    staging: &Staging,
    advance: &mut dyn FnMut(u64),
) -> Result<(String, Shard), ConvertError> {
    let specs: Vec<_> = shard.tensors.iter().flat_map(|planned| planned.specs()).collect();
    let mut writer = ShardWriter::create(&staging.path(&shard.name), &specs)?;
    for planned in &shard.tensors {
        pack::write_tensor(planned, &mut writer, advance)?;
    }
    Ok((shard.name.clone(), writer.finish()?))
}

fn write_small_files(staging: &Staging, config: &ModelConfig, lm: &LanguageModel) -> Result<(), ConvertError> {
    files::write_json(&staging.path(CONFIG_FILE), config)?;
    files::write_json(&staging.path("generation_config.json"), &lm.generation_config())?;
    files::write(&staging.path("tokenizer.json"), &lm.tokenizer.json)
}

fn index(plan: &Plan<'_, Source>, shards: BTreeMap<String, Shard>) -> ModelIndex {
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
