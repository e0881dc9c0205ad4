//! Audio Flamingo 2 written once in Burn, to be read: log-mel, HTSAT, audio transformer, gated cross-attention, Qwen2 decoder.
//!
//! ```text
//! ModelLoader ── pieces of shards ──► Model ── listen(windows) ──► Clip ── generate(prompt ids, options) ──► token ids
//! ```
//!
//! The files are those of `af2-model`, the names those of the checkpoint, and where the engine has plans and buffers, here
//! stand tensors whose shapes the comments give. It is the judge that the engine is compared with, tap by tap, and the engine
//! of machines without a GPU.
//!
//! The feature `autodiff` gives gradients, with which the recipe of the demo model was checked.
//!
//! A tensor's device decides what computes it, so nothing here depends on a backend. Nothing is read or written either:
//! bytes and closures come from above.
//!
//! ```
//! use af2_reference::{Backend, Model, ModelLoader, ReferenceError};
//!
//! /// A model from its files; shards are named as in the index.
//! fn load(config: &[u8], tokenizer: &[u8], index: &[u8], shards: &[(&str, Vec<u8>)]) -> Result<Model, ReferenceError> {
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
mod measure;
mod model;
mod rotary;
mod swin;
mod taps;
mod trace;
#[cfg(feature = "autodiff")]
mod training;
mod weights;

pub use backend::Backend;
pub use clip::{Clip, Listening};
pub use error::ReferenceError;
pub use generate::{Answering, GenerateOptions};
pub use load::ModelLoader;
pub use measure::Measurement;
pub use model::Model;
#[cfg(feature = "autodiff")]
pub use training::{Lesson, Step};
