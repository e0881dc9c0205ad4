//! Tracing a question: every intermediate, as the taps recorded it.

use std::collections::HashMap;

use af2_core::audio::Windows;
use af2_core::engine::{Trace, TraceTensor, check_prompt, check_windows};

use crate::taps::Taps;
use crate::{CpuError, GenerateOptions, Model};

impl Model {
    /// Answers greedily and returns every intermediate: the encoder's of all windows, the decoder's of all prompt tokens. An
    /// intermediate named in `replace` is returned as computed, and what follows it computes with the values given (of all windows,
    /// row-major).
    ///
    /// # Errors
    /// As [`Model::listen`] and [`crate::Clip::generate`]; [`af2_core::engine::EngineError::NotFinite`] names the first intermediate
    /// that is not finite.
    pub async fn trace(
        &self,
        windows: &Windows,
        prompt: &[u32],
        max_new_tokens: usize,
        replace: &HashMap<String, Vec<f32>>,
    ) -> Result<Trace, CpuError> {
        check_windows(self.config(), windows)?;
        check_prompt(self.config(), prompt, max_new_tokens)?;
        let mut taps = Taps::all(replace.clone());
        let tokens = self.0.encode(windows, 0..windows.count, &mut taps);
        let clip = self.clip(tokens, false, &mut taps);
        let decoder = &self.0.decoder;
        let x = decoder.forward(prompt, &clip.audio_kv, &mut decoder.cache(), &mut taps);
        decoder.logits(x, &mut taps);
        taps.recorded.iter().try_for_each(TraceTensor::check)?;
        let options = GenerateOptions { max_new_tokens, keep_logits: true, ..GenerateOptions::default() };
        let generation = clip.generate(prompt, &options, &mut |_| true).await?;
        Ok(Trace { tensors: taps.recorded, new_ids: generation.ids, step_logits: generation.logits })
    }
}
