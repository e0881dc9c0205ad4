//! Audio Flamingo 2 in Burn, written to be read: log-mel, HTSAT, audio transformer, gated cross-attention and Qwen2 decoder.
//!
//! ```text
//! ModelLoader ── chunks of shards ──► Model ── listen(windows) ──► Clip ── generate(prompt ids, options) ──► token ids
//! ```
//!
//! The files match those of `af2-model`, the names are the checkpoint's; where `af2-model` has plans and buffers, this crate has
//! tensors whose shapes the comments give. Tests compare `af2-model` with it tap by tap, and it answers on machines without a GPU.
//!
//! The dimension letters are those of [`af2_core::config`]; module heads give the sizes of the 3B model. The feature `autodiff` adds
//! gradients, which checked the training recipe of the demo model.
//!
//! A tensor's device decides what computes it, so no module depends on a backend. The crate does no I/O: bytes and closures come
//! from above.
//!
//! ```
//! use af2_cpu::{Backend, Model, ModelLoader, CpuError};
//!
//! /// A model from its files; shards are named as in the index.
//! fn load(config: &[u8], tokenizer: &[u8], index: &[u8], shards: &[(&str, Vec<u8>)]) -> Result<Model, CpuError> {
//!     let mut loader = ModelLoader::new(Backend::Cpu, config, tokenizer, index)?;
//!     for (name, bytes) in shards {
//!         loader.push(name, bytes)?;
//!         loader.finish_shard(name)?;
//!     }
//!     loader.finish()
//! }
//! assert!(load(b"no configuration", b"", b"", &[]).is_err());
//! ```

mod attention;
mod audio_kv;
mod audio_transformer;
mod backend;
mod beam;
mod clip;
mod cross_attention;
mod decoder;
mod encoder;
mod error;
mod frontend;
mod generate;
mod kv_cache;
mod layers;
mod load;
mod matrix;
mod measure;
mod model;
mod packed;
mod plain_swin;
mod rotary;
mod scoring;
mod steps;
mod swin;
mod taps;
mod trace;
#[cfg(feature = "autodiff")]
mod training;
mod weights;

pub use af2_core::engine::{FinishReason, GenerateOptions, Generation, Trace, TraceTensor};
pub use backend::Backend;
pub use clip::{Clip, Listening};
pub use error::CpuError;
pub use generate::Decoding;
pub use load::ModelLoader;
pub use measure::Measurement;
pub use model::Model;
pub use scoring::Scoring;
#[cfg(feature = "autodiff")]
pub use training::{Lesson, TrainingStep};
