//! What the commands need of an engine, be it on a GPU or on the CPU.

use af2_core::audio::Windows;
use af2_core::config::ModelConfig;
use af2_core::engine::{
    GenerateOptions, Generation, Query, ScoreRequest, Scores, TokenRules, Trace, audio_kv_values, encoder_token_values,
};
use af2_core::text::Tokenizer;
use af2_gpu::Span;
use anyhow::Result;

/// A loaded model.
pub trait Engine {
    /// The configuration.
    fn config(&self) -> &ModelConfig;

    /// The tokenizer.
    fn tokenizer(&self) -> &Tokenizer;

    /// Name of the adapter, which a recovery may change, or of the CPU engine.
    fn name(&self) -> String;

    /// Bytes that a clip of `windows` windows takes beside the model, about: on a GPU keys and values in float16, and eight buffers of the
    /// audio transformer in float32.
    fn clip_bytes(&self, windows: usize) -> u64 {
        let tokens = encoder_token_values(self.config(), windows);
        audio_kv_values(self.config(), windows).saturating_mul(2).saturating_add(tokens.saturating_mul(8 * 4))
    }

    /// Encodes audio. `progress` gets the numbers of windows done and of windows in all, and cancels by returning false.
    ///
    /// # Errors
    /// The windows do not fit the model, or the device failed.
    fn listen(&self, windows: &Windows, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<Box<dyn Heard>>;

    /// The encoder's tokens, [64 · windows, D]. `progress` as in [`Engine::listen`].
    ///
    /// # Errors
    /// As [`Engine::listen`].
    fn encode(&self, windows: &Windows, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<Vec<f32>>;

    /// A clip of encoder tokens, [64 · windows, D], as [`Engine::encode`] gave them: one sound, or, with `apart`, every window a sound of its
    /// own that knows nothing of the others.
    ///
    /// # Errors
    /// The tokens are not of this model's shape or not finite, or the device failed.
    fn hear(&self, tokens: &[f32], apart: bool) -> Result<Box<dyn Heard>>;

    /// Every intermediate of a greedy answer.
    ///
    /// # Errors
    /// As [`Engine::listen`] and [`Heard::generate`].
    fn trace(&self, windows: &Windows, prompt: &[u32], max_new_tokens: usize) -> Result<Trace>;
}

/// Encoded audio in an engine's memory, ready for questions.
pub trait Heard {
    /// Windows of audio.
    fn windows(&self) -> usize;

    /// Generates an answer. `on_token` gets every new token and stops by returning false.
    ///
    /// # Errors
    /// The prompt does not fit, a setting is out of range, or the device failed.
    fn generate(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation>;

    /// As [`Heard::generate`], of tokens that obey `rules`.
    ///
    /// # Errors
    /// As [`Heard::generate`], or the rules allow no token.
    fn generate_with(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        rules: &mut dyn TokenRules,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation>;

    /// The best answer of a beam search, its end token included if it has one.
    ///
    /// # Errors
    /// As [`Heard::generate`].
    fn beam_search(&mut self, prompt: &[u32], beams: usize, max_new_tokens: usize) -> Result<Vec<u32>>;

    /// Answers to several queries, decoded together; greedy. `progress` gets the number of answers that have ended and of all, and
    /// cancels by returning false.
    ///
    /// # Errors
    /// As [`Heard::generate`].
    fn generate_many(
        &mut self,
        queries: &[Query],
        options: &GenerateOptions,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Vec<Generation>>;

    /// Log-probabilities of continuations, `[request][continuation][token]`. `progress` gets the number of requests that are done and of
    /// all, and cancels by returning false.
    ///
    /// # Errors
    /// A request does not fit, or the device failed.
    fn score(
        &mut self,
        requests: &[ScoreRequest],
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Vec<Scores>>;

    /// How much the tokens `ids` of an answer attend to each time of the audio, [32 · windows], with sum 1: over all layers, heads and
    /// tokens, the attention weight times the norm of the value times the gate.
    ///
    /// # Errors
    /// As [`Heard::score`].
    fn attention(&mut self, query: &Query, ids: &[u32]) -> Result<Vec<f32>>;

    /// The last token's dispatches with their times; none without GPU timestamps.
    ///
    /// # Errors
    /// The device failed.
    fn profile_step(&self) -> Result<Option<Vec<Span>>>;
}
