//! Audio Flamingo 2 on the engine of `af2-gpu`: log-mel, HTSAT, audio transformer, gated cross-attention, Qwen2 decoder.
//!
//! ```text
//! ModelLoader ── pieces of shards ──► Model ── listen(windows) ──► Clip ── ask(prompt ids, options) ──► token ids
//! ```
//!
//! Everything is async and nothing waits: the caller's executor (a browser, or the desktop's loop around
//! [`af2_gpu::Gpu::wait`]) drives it. The sound is encoded once per [`Clip`]; its keys and values serve every question.

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
