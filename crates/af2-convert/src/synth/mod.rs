//! Releases of random weights in the released sizes, to try everything at full size without the real weights.
//!
//! [`SyntheticRelease`] is a [`Source`]: its weight files exist only where they are read. Converting it and converting
//! the files that [`SyntheticRelease::write`] leaves give the same model. [`SyntheticRelease::new`] is a release as a
//! folder; [`SyntheticRelease::on_hub`] holds the repositories of the hub, where every decoder tensor is stored twice.

mod chunk;
mod on_hub;
mod size;
mod tokenizer;
mod values;

use std::ops::Range;

use af2_core::weights::safetensors::TensorSpec;
use serde_json::{Map, Value, json};

use crate::error::{ConvertError, StorageError};
use crate::sink::{self, Sink, write_file};
use crate::source::{LocalFuture, Source};
use chunk::Chunk;
pub use on_hub::alias;
pub use size::Size;

/// Bytes copied at a time.
const COPY: u64 = 16 << 20;
/// About how large a chunk of the release may be, in bytes.
const CHUNK: u64 = 4 << 30;
/// Settings of every release.
const SETTINGS: &str = "\
clap_config:
  method: nvclap-large
  audio_embed_dim: 2048
  window_length: 10.0
  window_overlap: 0.0
  max_num_window: 12
  max_num_fewshot: 1
model_config:
  lang_encoder_path: lang_encoder
  tokenizer_path: lang_encoder
  cross_attn_every_n_layers: 1
  audio_transformer_kwargs:
    n_head: 8
    n_layers: 3
    d_inner: 2048
    max_num_media: 128
    max_window_per_audio: 1
    common_encoder_embed_dim: 2048
";

/// All files of a release, the weights as rules for making them.
#[derive(Default)]
pub struct SyntheticRelease {
    files: Vec<(String, Contents)>,
}

enum Contents {
    Small(Vec<u8>),
    Weights(Chunk),
}

impl SyntheticRelease {
    /// The release of a size, with its settings and its language model's small files. The same seed gives the same
    /// weights.
    ///
    /// # Errors
    /// [`ConvertError`] if a file cannot be written as JSON.
    pub fn new(size: Size, seed: u64) -> Result<Self, ConvertError> {
        let mut release = Self::default();
        release.add("configs/inference.yaml", SETTINGS.into());
        release.add_language_model("lang_encoder", &size.language_model())?;
        release.add_chunks("safe_ckpt", "chunk_", chunks(size.tensors().collect(), CHUNK), seed)?;
        Ok(release)
    }

    /// Adds a small file.
    pub fn add(&mut self, name: &str, bytes: Vec<u8>) {
        self.files.push((name.into(), Contents::Small(bytes)));
    }

    /// Adds configuration and tokenizer of a base language model of the released vocabulary.
    fn add_language_model(&mut self, folder: &str, config: &Value) -> Result<(), ConvertError> {
        let generation = json!({ "bos_token_id": 151_643, "eos_token_id": 151_643, "max_new_tokens": 2048 });
        for (name, value) in [
            ("config.json", config),
            ("generation_config.json", &generation),
            ("tokenizer.json", &tokenizer::tokenizer()),
            ("tokenizer_config.json", &tokenizer::tokenizer_config()),
        ] {
            self.add(&format!("{folder}/{name}"), sink::json(name, value)?);
        }
        Ok(())
    }

    /// Adds weight files of these tensors, and `metadata.json` with their names.
    fn add_chunks(
        &mut self,
        folder: &str,
        prefix: &str,
        chunks: Vec<Vec<TensorSpec>>,
        seed: u64,
    ) -> Result<(), ConvertError> {
        let mut names = Map::new();
        for (number, chunk) in chunks.iter().enumerate() {
            let tensors = chunk.iter().map(|tensor| tensor.name.as_str()).collect();
            names.insert(format!("{prefix}{number}"), tensors);
        }
        self.add(&format!("{folder}/metadata.json"), sink::json("safe_ckpt/metadata.json", &Value::Object(names))?);
        for (number, tensors) in chunks.into_iter().enumerate() {
            let name = format!("{folder}/{prefix}{number}.safetensors");
            let chunk = Chunk::new(seed, tensors);
            let chunk = chunk.map_err(|error| ConvertError::Header { location: name.clone(), error })?;
            self.files.push((name, Contents::Weights(chunk)));
        }
        Ok(())
    }

    /// Every file with its bytes.
    pub fn files(&self) -> impl Iterator<Item = (&str, u64)> {
        self.files.iter().map(|(name, contents)| (name.as_str(), contents.size()))
    }

    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.files().map(|(_, bytes)| bytes).sum()
    }

    /// A range of a file's bytes, cut where the file ends; `None` where there is no such file.
    pub fn bytes(&self, file: &str, range: Range<u64>) -> Option<Vec<u8>> {
        self.files.iter().find(|(name, _)| name == file).map(|(_, contents)| contents.read(range))
    }

    /// Bytes of all tensors.
    pub fn tensor_bytes(&self) -> u64 {
        let chunks = self.files.iter().filter_map(|(_, contents)| match contents {
            Contents::Small(_) => None,
            Contents::Weights(chunk) => Some(chunk.tensor_bytes()),
        });
        chunks.sum()
    }

    /// Writes every file. `progress` is called with the bytes of weight files written so far and in all.
    ///
    /// # Errors
    /// [`ConvertError::Storage`].
    pub async fn write(&self, sink: &mut dyn Sink, progress: &mut dyn FnMut(u64, u64)) -> Result<(), ConvertError> {
        let weights = self.files.iter().filter(|(_, contents)| matches!(contents, Contents::Weights(_)));
        let (mut done, total) = (0, weights.map(|(_, contents)| contents.size()).sum());
        for (name, contents) in &self.files {
            let chunk = match contents {
                Contents::Small(bytes) => {
                    write_file(sink, name, bytes).await?;
                    continue;
                }
                Contents::Weights(chunk) => chunk,
            };
            sink.create(name).await?;
            for start in (0..chunk.size()).step_by(COPY as usize) {
                let end = (start + COPY).min(chunk.size());
                sink.write(&chunk.read(start..end)).await?;
                done += end - start;
                progress(done, total);
            }
            sink.finish().await?;
        }
        Ok(())
    }

    fn contents(&self, action: &'static str, object: &str) -> Result<&Contents, StorageError> {
        let found = self.files.iter().find(|(name, _)| name == object);
        found.map(|(_, contents)| contents).ok_or_else(|| StorageError {
            action,
            location: object.into(),
            reason: "a synthetic release has no such file".into(),
            absent: true,
        })
    }
}

impl Contents {
    fn size(&self) -> u64 {
        match self {
            Contents::Small(bytes) => bytes.len() as u64,
            Contents::Weights(chunk) => chunk.size(),
        }
    }

    fn read(&self, range: Range<u64>) -> Vec<u8> {
        match self {
            Contents::Small(bytes) => {
                let end = bytes.len().min(range.end as usize);
                bytes.get(range.start as usize..end).unwrap_or_default().to_vec()
            }
            Contents::Weights(chunk) => chunk.read(range),
        }
    }
}

impl Source for SyntheticRelease {
    fn locate(&self, object: &str) -> String {
        object.into()
    }

    fn size<'a>(&'a self, object: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(async move { Ok(self.contents("open", object)?.size()) })
    }

    fn read<'a>(&'a self, object: &'a str, bytes: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        Box::pin(async move { Ok(self.contents("read", object)?.read(bytes)) })
    }
}

/// Runs of tensors of about `limit` bytes.
fn chunks(tensors: Vec<TensorSpec>, limit: u64) -> Vec<Vec<TensorSpec>> {
    let mut chunks: Vec<Vec<TensorSpec>> = Vec::new();
    let mut room = 0;
    for tensor in tensors {
        let bytes = tensor.bytes();
        match chunks.last_mut() {
            Some(chunk) if bytes <= room => chunk.push(tensor),
            _ => {
                chunks.push(vec![tensor]);
                room = limit;
            }
        }
        room = room.saturating_sub(bytes);
    }
    chunks
}

#[cfg(test)]
mod tests {
    use af2_core::weights::Scheme;
    use pollster::block_on;

    use super::*;
    use crate::{Inputs, Options, Release};

    /// The converter finds in a synthetic release all that it looks for, in the shapes of the real one.
    #[test]
    fn every_size_is_a_whole_release() {
        for (size, parameters) in
            [(Size::B0_5, 1_066_762_632_u64), (Size::B1_5, 2_519_000_000), (Size::B3, 4_785_000_000)]
        {
            let source = SyntheticRelease::new(size, 0).unwrap();
            let inputs = Inputs { name: size.name(), release: &source, language_model: None, clap: None };
            let release = block_on(Release::open(&inputs)).unwrap();
            assert_eq!(release.language_model.tokenizer.tokenizer.vocab_size(), 151_669);
            let plan = release.plan(&Options { scheme: Scheme::Q4, shard_bytes: 1 << 28 }).unwrap();
            let off = plan.parameters().abs_diff(parameters) as f64 / parameters as f64;
            assert!(off < 0.01, "{}: {} parameters", size.name(), plan.parameters());
        }
    }
}
