//! Audio Flamingo 2 on a GPU: log-mel, HTSAT, audio transformer, gated cross-attention and Qwen2 decoder on the ops of `af2-gpu`.
//!
//! ```text
//! ModelLoader ── chunks of shards ──► Model ── listen(windows) ──► Clip ── generate(prompt ids, options) ──► token ids
//! ```
//!
//! Everything is async and nothing blocks: the caller's executor drives it (a browser, or a loop around [`af2_gpu::Gpu::wait`]).
//! Audio is encoded once per [`Clip`]; its keys and values serve every question. [`RecoveringModel`] has the same methods, and goes on
//! after the loss of a device.
//!
//! ```no_run
//! use af2_core::audio::Windows;
//! use af2_model::{GenerateOptions, Model, ModelError};
//!
//! /// The ids of an answer, each printed as it comes.
//! async fn answer(model: &Model, windows: &Windows, prompt: &[u32]) -> Result<Vec<u32>, ModelError> {
//!     let mut clip = model.listen(windows, &mut |_, _| true).await?;
//!     let mut on_token = |id| {
//!         println!("{id}");
//!         true
//!     };
//!     Ok(clip.generate(prompt, &GenerateOptions::default(), &mut on_token).await?.ids)
//! }
//! ```
//!
//! `examples/ask.rs` is a whole program.

mod allocator;
mod audio_transformer;
mod batch;
mod batch_buffers;
mod beam;
mod bench;
mod clip;
mod constrained;
mod cross_attention;
mod decoder;
mod encoder;
mod error;
mod frontend;
mod generate;
mod generate_many;
mod load;
mod lookahead;
mod model;
mod recovery;
mod scoring;
mod scratch;
mod sequences;
mod shapes;
mod swin;
mod trace;
mod weights;

pub use af2_core::engine::{FinishReason, GenerateOptions, Generation, Trace, TraceTensor};
pub use clip::Clip;
pub use cross_attention::audio_bytes_per_window;
pub use error::ModelError;
pub use load::ModelLoader;
pub use model::{Model, ModelInfo, dispatches_per_token};
pub use recovery::{Opener, RecoveringClip, RecoveringModel, Trouble};
pub use shapes::{TokenMatrices, token_matrices};
