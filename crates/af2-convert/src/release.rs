//! A release whose small files and tensor tables have been read.

use af2_core::config::ModelConfig;
use af2_core::weights::Scheme;
use af2_core::weights::safetensors::TensorSpec;

use crate::error::ConvertError;
use crate::language_model::LanguageModel;
use crate::layout::{Catalog, InferenceSettings, Origin, Plan, chunk_names, infer};
use crate::source::{Folder, Source};
use crate::tensors;

/// What a model is made from.
pub struct Inputs<'a> {
    /// Name of the model, recorded in its configuration.
    pub name: &'a str,
    /// The release: `safe_ckpt/`, and `configs/inference.yaml` where it is there.
    pub release: &'a dyn Source,
    /// The base language model; `None` where the release holds it, in the folder its settings name.
    pub language_model: Option<&'a dyn Source>,
    /// The CLAP encoder, for releases without its weights.
    pub clap: Option<Checkpoint<'a>>,
}

/// A checkpoint that its caller can read: each tensor is an object called by the tensor's name.
pub struct Checkpoint<'a> {
    /// The bytes, little-endian and row-major.
    pub source: &'a dyn Source,
    /// The tensors.
    pub tensors: Vec<TensorSpec>,
}

/// How a release is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How matrices are stored.
    pub scheme: Scheme,
    /// About how large a shard may be, in bytes; a single tensor may exceed it.
    pub shard_bytes: u64,
}

/// A release, ready to be converted.
pub struct Release<'a> {
    /// The configuration of the model: every dimension, and the ids of special tokens.
    pub config: ModelConfig,
    pub(crate) language_model: LanguageModel,
    catalog: Catalog<'a>,
}

impl<'a> Release<'a> {
    /// Reads all small files and tensor tables, and finds the model's dimensions.
    ///
    /// # Errors
    /// [`ConvertError`] names the file or tensor that is missing, unreadable, or contradicts the others.
    pub async fn open(inputs: &Inputs<'a>) -> Result<Self, ConvertError> {
        let release = Folder::root(inputs.release);
        let settings = match release.read_if_present("configs/inference.yaml").await? {
            Some(yaml) => InferenceSettings::parse(&String::from_utf8_lossy(&yaml))?,
            None => InferenceSettings::default(), // a plain download has none
        };
        let chunks = chunk_names(&release.read("safe_ckpt/metadata.json").await?)?;
        let lm_folder = language_model_folder(inputs, &settings).await?;
        let lm = LanguageModel::open(&lm_folder).await?;

        let mut catalog = Catalog::default();
        if let Some(clap) = &inputs.clap {
            tensors::add_objects(&mut catalog, Origin::Clap, clap.source, &clap.tensors);
        }
        for name in LanguageModel::weight_files(&lm_folder).await? {
            tensors::add_file(&mut catalog, Origin::LanguageModel, lm_folder.object(&name)).await?;
        }
        for chunk in chunks {
            let file = chunk.strip_suffix(".safetensors").unwrap_or(&chunk);
            let object = release.object(&format!("safe_ckpt/{file}.safetensors"));
            tensors::add_file(&mut catalog, Origin::Release, object).await?;
        }
        let (tokens, size) = (lm.tokenizer.tokens.clone(), lm.tokenizer.tokenizer.vocab_size());
        let config = infer(&catalog, &settings, &lm.settings, inputs.name, tokens, size)?;
        Ok(Self { config, language_model: lm, catalog })
    }

    /// What a conversion writes: every tensor, its scheme and shard.
    ///
    /// # Errors
    /// [`ConvertError::Release`] names the first tensor that is missing, of another shape or no floating-point type.
    pub fn plan(&self, options: &Options) -> Result<Plan<'_>, ConvertError> {
        Ok(Plan::new(&self.catalog, &self.config, options.scheme, options.shard_bytes)?)
    }
}

/// The base language model: the one given, or what the settings name inside of the release.
async fn language_model_folder<'a>(
    inputs: &Inputs<'a>,
    settings: &InferenceSettings,
) -> Result<Folder<'a>, ConvertError> {
    if let Some(given) = inputs.language_model {
        return Ok(Folder::root(given));
    }
    let named = settings.model_config.lang_encoder_path.as_deref().unwrap_or("lang_encoder");
    let folder = Folder::inside(inputs.release, named);
    let config = folder.object("config.json");
    match config.exists().await? {
        true => Ok(folder),
        false => Err(ConvertError::NoLanguageModel { location: config.location() }),
    }
}
