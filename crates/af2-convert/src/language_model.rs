//! The base language model's directory: configuration, tokenizer, and weights if it has any.

use std::collections::BTreeSet;

use af2_core::small_file::{CONFIG_LIMIT, body};
use af2_core::text::{BaseTokenizer, ExtendedTokenizer};
use af2_core::weights::safetensors::MAX_HEADER_BYTES;
use serde_json::{Map, Value, json};

use crate::error::ConvertError;
use crate::layout::LanguageModelSettings;
use crate::source::Folder;

const SINGLE_FILE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// The small files of a language model.
pub(crate) struct LanguageModel {
    /// `config.json`.
    pub settings: LanguageModelSettings,
    /// Its tokenizer with the four added tokens.
    pub tokenizer: ExtendedTokenizer,
    generation_config: Map<String, Value>,
}

impl LanguageModel {
    /// Reads the small files.
    pub async fn open(folder: &Folder<'_>) -> Result<Self, ConvertError> {
        let settings = LanguageModelSettings::parse(&folder.read("config.json").await?)?;
        let tokenizer_json = folder.read_if_present("tokenizer.json").await?;
        let vocab_json = folder.read_if_present("vocab.json").await?;
        let merges_txt = folder.read_if_present("merges.txt").await?;
        let tokenizer_config = folder.read_if_present("tokenizer_config.json").await?;
        let generation_config = folder.read_if_present("generation_config.json").await?;
        let base = BaseTokenizer {
            tokenizer_json: tokenizer_json.as_deref(),
            vocab_json: vocab_json.as_deref(),
            merges_txt: merges_txt.as_deref(),
            tokenizer_config: tokenizer_config.as_deref(),
            generation_config: generation_config.as_deref(),
        };
        let tokenizer = base.extend()?;
        let generation_config =
            generation_config.and_then(|json| serde_json::from_slice(body(&json, CONFIG_LIMIT).ok()?).ok());
        Ok(Self { settings, tokenizer, generation_config: generation_config.unwrap_or_default() })
    }

    /// The weight files of the folder: those of an index, or one, or none.
    pub async fn weight_files(folder: &Folder<'_>) -> Result<BTreeSet<String>, ConvertError> {
        if let Some(json) = folder.read_if_present(INDEX).await? {
            let location = folder.object(INDEX).location();
            return indexed_files(&json).map_err(|reason| ConvertError::LanguageModelIndex { location, reason });
        }
        let single = folder.object(SINGLE_FILE).exists().await?;
        Ok(single.then(|| SINGLE_FILE.to_owned()).into_iter().collect())
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
}

/// The files in the `weight_map` of an index.
fn indexed_files(json: &[u8]) -> Result<BTreeSet<String>, String> {
    let text = body(json, MAX_HEADER_BYTES as usize).map_err(|error| error.to_string())?; // as large as a header
    let index: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let map = index.get("weight_map").and_then(Value::as_object).ok_or("has no weight_map")?;
    let names = map.values().map(|name| name.as_str().map(str::to_owned).ok_or("weight_map holds no file name"));
    let names: BTreeSet<String> = names.collect::<Result<_, _>>()?;
    match names.iter().find(|name| name.is_empty() || name.starts_with('.') || name.contains(['/', '\\'])) {
        Some(name) => Err(format!("`{name}` is not a plain file name")),
        None => Ok(names),
    }
}
