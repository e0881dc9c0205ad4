//! What the commands need of an engine, be it on a GPU or on the CPU.

use af2_core::audio::Windows;
use af2_core::config::ModelConfig;
use af2_core::engine::{GenerateOptions, Generation, Trace};
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

    /// Encodes audio. `progress` gets the numbers of windows done and of windows in all, and cancels by returning false.
    ///
    /// # Errors
    /// The windows do not fit the model, or the device failed.
    fn listen(&self, windows: &Windows, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<Box<dyn Heard>>;

    /// Every intermediate of a greedy answer.
    ///
    /// # Errors
    /// As [`Engine::listen`] and [`Heard::generate`].
    fn trace(&self, windows: &Windows, prompt: &[u32], max_new_tokens: usize) -> Result<Trace>;
}

/// Encoded audio in an engine's memory, ready for questions.
pub trait Heard {
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

    /// The best answer of a beam search, its end token included if it has one.
    ///
    /// # Errors
    /// As [`Heard::generate`].
    fn beam_search(&mut self, prompt: &[u32], beams: usize, max_new_tokens: usize) -> Result<Vec<u32>>;

    /// The last token's dispatches with their times; none without GPU timestamps.
    ///
    /// # Errors
    /// The device failed.
    fn profile_step(&self) -> Result<Option<Vec<Span>>>;
}
