//! The base language model's directory: configuration, tokenizer, and weights if it has any.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use af2_core::release::{Catalog, LanguageModelSettings, Origin};
use af2_core::text::{BaseTokenizer, ExtendedTokenizer};
use serde_json::{Map, Value, json};

use super::error::ConvertError;
use super::files;
use super::source::{Source, add_file};
use super::tensor_file::TensorFile;

const SINGLE_FILE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// A language-model directory whose small files have been read.
pub struct LanguageModel {
    /// `config.json`.
    pub settings: LanguageModelSettings,
    /// Its tokenizer with the four added tokens.
    pub tokenizer: ExtendedTokenizer,
    generation_config: Map<String, Value>,
    dir: PathBuf,
}

impl LanguageModel {
    /// Reads the small files.
    pub fn open(dir: &Path) -> Result<LanguageModel, ConvertError> {
        let settings = LanguageModelSettings::parse(&files::read(&dir.join("config.json"))?)?;
        let [tokenizer_json, vocab_json, merges_txt, tokenizer_config, generation_config] =
            ["tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "generation_config.json"]
                .map(|name| files::read_if_present(&dir.join(name)));
        let (tokenizer_json, vocab_json, merges_txt) = (tokenizer_json?, vocab_json?, merges_txt?);
        let (tokenizer_config, generation_config) = (tokenizer_config?, generation_config?);
        let base = BaseTokenizer {
            tokenizer_json: tokenizer_json.as_deref(),
            vocab_json: vocab_json.as_deref(),
            merges_txt: merges_txt.as_deref(),
            tokenizer_config: tokenizer_config.as_deref(),
            generation_config: generation_config.as_deref(),
        };
        let tokenizer = base.extend()?;
        let generation_config = generation_config.and_then(|json| serde_json::from_slice(&json).ok());
        Ok(LanguageModel {
            settings,
            tokenizer,
            generation_config: generation_config.unwrap_or_default(),
            dir: dir.into(),
        })
    }

    /// The base's generation settings under the published defaults of Audio Flamingo 2.
    pub fn generation_config(&self) -> Map<String, Value> {
        let mut merged = self.generation_config.clone();
        for bookkeeping in ["_from_model_config", "transformers_version", "bos_token_id"] {
            merged.remove(bookkeeping);
        }
        let tokens = &self.tokenizer.tokens;
        let published = json!({
            "do_sample": true,
            "top_k": 30,
            "top_p": 0.95,
            "temperature": 1.0,
            "max_new_tokens": 256,
            "eos_token_id": tokens.end_of_text,
            "pad_token_id": tokens.pad,
        });
        if let Value::Object(published) = published {
            merged.extend(published);
        }
        merged
    }

    /// Adds the tensors of the directory, if it has weights: one file, or an index and its shards.
    pub fn add(&self, catalog: &mut Catalog<Source>) -> Result<(), ConvertError> {
        for name in self.weight_files()? {
            add_file(catalog, Origin::LanguageModel, TensorFile::open(&self.dir.join(name))?);
        }
        Ok(())
    }

    fn weight_files(&self) -> Result<BTreeSet<String>, ConvertError> {
        let path = self.dir.join(INDEX);
        match files::read_if_present(&path)? {
            Some(json) => indexed_files(&json).map_err(|reason| ConvertError::LanguageModelIndex { path, reason }),
            None if self.dir.join(SINGLE_FILE).exists() => Ok(BTreeSet::from([SINGLE_FILE.to_owned()])),
            None => Ok(BTreeSet::new()),
        }
    }
}

/// The files in the `weight_map` of an index.
fn indexed_files(json: &[u8]) -> Result<BTreeSet<String>, String> {
    let index: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let map = index.get("weight_map").and_then(Value::as_object).ok_or("has no weight_map")?;
    let names = map.values().map(|name| name.as_str().map(str::to_owned).ok_or("weight_map holds no file name"));
    let names: BTreeSet<String> = names.collect::<Result<_, _>>()?;
    match names.iter().find(|name| name.is_empty() || name.starts_with('.') || name.contains(['/', '\\'])) {
        Some(name) => Err(format!("`{name}` is not a plain file name")),
        None => Ok(names),
    }
}
