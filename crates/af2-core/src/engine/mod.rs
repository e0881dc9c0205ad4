//! The contract of an engine: what `af2-model` (WebGPU) and `af2-cpu` (Burn) take, check, report and return alike.
//!
//! ```text
//! ModelFiles ─┐
//! Shards ─────┴► Model ── listen(windows) ──► Clip ── generate(prompt ids, GenerateOptions) ──► Generation ──► AnswerText
//! ```
//!
//! Types, checks and messages are shared, arithmetic is not: each engine computes the network on its own, so that either can be
//! compared with the other.

mod answer;
mod checks;
mod error;
mod files;
mod generation;
mod network;
mod scoring;
mod self_test;
mod shards;
mod token_rules;
mod trace;

pub use answer::{Answer, AnswerText, end_of_text};
pub use checks::{
    MOST_POSITIONS, audio_kv_values, check_logits, check_prompt, check_request, check_scoring, check_together,
    check_tokens, check_window_count, check_windows, encoder_token_values,
};
pub use error::{EngineError, Stage};
pub use files::ModelFiles;
pub use generation::{FinishReason, GenerateOptions, Generation};
pub use network::{GRID_SIDE, IMAGE_SIDE, MEL_BINS, PATCH, RELATIVE_POSITIONS, STAGES, TOKENS_PER_WINDOW, WINDOW};
pub use scoring::{
    AudioView, MOST_TOP_LOGPROBS, Query, ScoreRequest, Scores, TIMES_PER_WINDOW, TokenLogprob, log_softmax_at,
    top_logprobs,
};
pub use shards::{Shards, TensorBytes};
pub use token_rules::{Constraint, TokenRules, TokenSet};
pub use trace::{Trace, TraceTensor};
