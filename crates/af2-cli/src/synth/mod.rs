//! Random checkpoints of the released sizes, for trying everything at full size without the real weights.
//!
//! Values depend on seed, tensor name and index only, so a model written directly and a release that is converted afterwards hold
//! the same weights.

mod size;
mod tokenizer;
mod values;

use std::path::Path;

use af2_core::release::{Catalog, InferenceSettings, Origin};
use af2_core::weights::Scheme;
use af2_core::weights::safetensors::{Dtype, TensorSpec};
use serde_json::{Value, json};

use crate::convert::{
    ConvertError, ConvertReport, LanguageModel, ModelSource, ShardWriter, Source, Staging, files, write_model,
};
pub use size::{Size, TableTensor};
pub use values::Values;

/// Bytes made at a time.
const PIECE: u64 = 16 << 20;
/// About how large a chunk of the release may be.
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

/// Writes a release directory: chunks, settings, language model's configuration and tokenizer.
///
/// # Errors
/// The directory exists and is not empty, or cannot be written.
pub fn release(size: Size, seed: u64, out: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<u64, ConvertError> {
    let staging = Staging::new(out)?;
    small_files(size, &staging.path(""))?;
    let tensors: Vec<TableTensor> = size.tensors().collect();
    let total = tensors.iter().map(|tensor| spec(tensor).bytes()).sum();
    let (mut done, mut names) = (0, serde_json::Map::new());
    for (number, chunk) in chunks(&tensors).into_iter().enumerate() {
        let name = format!("chunk_{number}");
        let specs: Vec<TensorSpec> = chunk.iter().map(spec).collect();
        let path = staging.path("safe_ckpt").join(format!("{name}.safetensors"));
        let mut writer = ShardWriter::create(&path, &specs)?;
        for tensor in chunk {
            let (values, bytes) = (values_of(seed, tensor), spec(tensor).bytes());
            for start in (0..bytes).step_by(PIECE as usize) {
                writer.write(&values.bytes(start..(start + PIECE).min(bytes)))?;
                progress(done + start, total);
            }
            done += bytes;
        }
        writer.finish()?;
        names.insert(name, chunk.iter().map(|tensor| tensor.name).collect());
    }
    files::write_json(&staging.path("safe_ckpt/metadata.json"), &Value::Object(names))?;
    staging.publish()?;
    Ok(total)
}

/// Writes the converted model that [`release`] and a conversion would give, without the release.
///
/// # Errors
/// As [`release`].
pub fn converted(
    size: Size,
    seed: u64,
    scheme: Scheme,
    shard_bytes: u64,
    out: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<ConvertReport, ConvertError> {
    let staging = Staging::new(out)?;
    let small = staging.path(".release");
    small_files(size, &small)?;
    let catalog = catalog(size, seed);
    let settings = InferenceSettings::parse(SETTINGS)?;
    let lm = LanguageModel::open(&small.join("lang_encoder"))?;
    let source = ModelSource { catalog: &catalog, settings: &settings, name: size.name(), lm: &lm };
    let report = write_model(&staging, &source, scheme, shard_bytes, progress)?;
    std::fs::remove_dir_all(&small).map_err(ConvertError::io("remove", &small))?;
    staging.publish()?;
    Ok(report)
}

fn small_files(size: Size, dir: &Path) -> Result<(), ConvertError> {
    for folder in ["configs", "safe_ckpt", "lang_encoder"] {
        let folder = dir.join(folder);
        std::fs::create_dir_all(&folder).map_err(ConvertError::io("create", &folder))?;
    }
    files::write(&dir.join("configs/inference.yaml"), SETTINGS.as_bytes())?;
    let generation = json!({ "bos_token_id": 151_643, "eos_token_id": 151_643, "max_new_tokens": 2048 });
    files::write_json(&dir.join("lang_encoder/config.json"), &size.language_model())?;
    files::write_json(&dir.join("lang_encoder/generation_config.json"), &generation)?;
    files::write_json(&dir.join("lang_encoder/tokenizer.json"), &tokenizer::tokenizer())?;
    files::write_json(&dir.join("lang_encoder/tokenizer_config.json"), &tokenizer::tokenizer_config())
}

fn catalog(size: Size, seed: u64) -> Catalog<Source> {
    let mut catalog = Catalog::default();
    for tensor in size.tensors() {
        let source = Source::Synthetic(values_of(seed, &tensor));
        catalog.add(Origin::Release, tensor.name, tensor.dtype, tensor.shape, source);
    }
    catalog
}

/// Runs of tensors of about [`CHUNK`] bytes.
fn chunks(tensors: &[TableTensor]) -> Vec<&[TableTensor]> {
    let (mut chunks, mut first, mut bytes) = (Vec::new(), 0, 0);
    for (index, tensor) in tensors.iter().enumerate() {
        if bytes > 0 && bytes + spec(tensor).bytes() > CHUNK {
            chunks.push(&tensors[first..index]);
            (first, bytes) = (index, 0);
        }
        bytes += spec(tensor).bytes();
    }
    chunks.push(&tensors[first..]);
    chunks
}

fn spec(tensor: &TableTensor) -> TensorSpec {
    TensorSpec { name: tensor.name.to_owned(), dtype: tensor.dtype, shape: tensor.shape.clone() }
}

fn values_of(seed: u64, tensor: &TableTensor) -> Values {
    Values::new(seed, tensor.name, &tensor.shape, tensor.dtype == Dtype::I64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use af2_core::release::{Plan, infer};

    use super::*;
    use crate::bench::roofline::Work;

    /// A converter finds in the made-up releases all that it looks for, in the real ones' shapes.
    #[test]
    fn every_size_is_a_whole_release() {
        let dir = tempfile::tempdir().unwrap();
        let settings = InferenceSettings::parse(SETTINGS).unwrap();
        for (size, parameters, token_macs) in [
            (Size::B0_5, 1_066_762_632_u64, 0.670e9),
            (Size::B1_5, 2_519_000_000, 2.12e9),
            (Size::B3, 4_785_000_000, 4.37e9),
        ] {
            let small = dir.path().join(size.name());
            small_files(size, &small).unwrap();
            let lm = LanguageModel::open(&small.join("lang_encoder")).unwrap();
            assert_eq!(lm.tokenizer.tokenizer.vocab_size(), 151_669);
            let catalog = catalog(size, 0);
            let tokens = lm.tokenizer.tokens.clone();
            let config = infer(&catalog, &settings, &lm.settings, size.name(), tokens, 151_669).unwrap();
            let plan = Plan::new(&catalog, &config, Scheme::Q4, 1 << 28).unwrap();
            let off = plan.parameters().abs_diff(parameters) as f64 / parameters as f64;
            assert!(off < 0.01, "{}: {} parameters", size.name(), plan.parameters());
            let work = Work::of(&config);
            assert!((work.encoder_macs as f64 / 60.4e9 - 1.0).abs() < 0.01, "{work:?}");
            assert!((work.token_macs as f64 / token_macs - 1.0).abs() < 0.01, "{work:?}");
        }
    }
}
