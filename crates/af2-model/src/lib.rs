//! Audio Flamingo 2 on the engine of `af2-gpu`: log-mel, HTSAT, audio transformer, gated cross-attention, Qwen2 decoder.
//!
//! ```text
//! ModelLoader ── pieces of shards ──► Model ── listen(windows) ──► Clip ── ask(prompt ids, options) ──► token ids
//! ```
//!
//! Everything is async and nothing waits: the caller's executor (a browser, or the desktop's loop around
//! [`af2_gpu::Gpu::wait`]) drives it. The sound is encoded once per [`Clip`]; its keys and values serve every question.
//!
//! ```no_run
//! use af2_core::audio::Windows;
//! use af2_model::{GenerateOptions, ListenOptions, Model, ModelError};
//!
//! /// The ids of an answer, each printed as it comes.
//! async fn answer(model: &Model, windows: &Windows, prompt: &[u32]) -> Result<Vec<u32>, ModelError> {
//!     let mut clip = model.listen(windows, ListenOptions::default(), &mut |_, _| true).await?;
//!     let mut on_token = |id| {
//!         println!("{id}");
//!         true
//!     };
//!     Ok(clip.generate(prompt, &GenerateOptions::default(), &mut on_token).await?.ids)
//! }
//! ```
//!
//! `examples/ask.rs` is a whole program.

mod audio_transformer;
mod beam;
mod bench;
mod clip;
mod cross_attention;
mod decoder;
mod encoder;
mod error;
mod frontend;
mod generate;
mod load;
mod model;
mod swin;
mod trace;
mod weights;

pub use clip::{Clip, ListenOptions};
pub use cross_attention::audio_bytes_per_window;
pub use error::ModelError;
pub use generate::{FinishReason, GenerateOptions, Generation};
pub use load::ModelLoader;
pub use model::{Model, ModelFacts, dispatches_per_token};
pub use trace::{Trace, TraceTensor};
