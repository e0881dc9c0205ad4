//! Times of encoding and decoding, so that backends and `af2-model` can be compared on one device in one run.

use af2_core::audio::Windows;

use crate::{CpuError, GenerateOptions, Model};

/// Seconds of the parts of an answer, after a warm-up answer in which the backend compiled and tuned its kernels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    /// All windows, from samples to the audio's keys and values.
    pub encode: f64,
    /// The prompt, up to the first token.
    pub prompt: f64,
    /// Every further token.
    pub token: f64,
}

impl Model {
    /// Encodes audio and generates `tokens` tokens after the first, greedily and past any end token; `now` is a clock in seconds.
    ///
    /// # Errors
    /// As [`Model::listen`] and [`crate::Clip::generate`], or the backend failed.
    pub async fn measure(
        &self,
        windows: &Windows,
        prompt: &[u32],
        tokens: usize,
        now: &dyn Fn() -> f64,
    ) -> Result<Measurement, CpuError> {
        self.timed(windows, prompt, tokens, now).await?;
        self.timed(windows, prompt, tokens, now).await
    }

    async fn timed(
        &self,
        windows: &Windows,
        prompt: &[u32],
        tokens: usize,
        now: &dyn Fn() -> f64,
    ) -> Result<Measurement, CpuError> {
        let start = now();
        let clip = self.listen(windows, &mut |_, _| true)?;
        clip.computed().await?;
        let encoded = now();
        let options = GenerateOptions { max_new_tokens: tokens + 1, ignore_end: true, ..GenerateOptions::default() };
        let mut first = None;
        let mut on_token = |_| {
            first.get_or_insert_with(now);
            true
        };
        clip.generate(prompt, &options, &mut on_token).await?;
        let (first, end) = (first.unwrap_or(encoded), now());
        Ok(Measurement {
            encode: encoded - start,
            prompt: first - encoded,
            token: (end - first) / tokens.max(1) as f64,
        })
    }
}
