//! Every intermediate of one question, under the names that reference files use.

use std::collections::HashMap;

use af2_core::audio::Windows;
use af2_core::trace::Trace;

use crate::taps::Taps;
use crate::{GenerateOptions, Model, ReferenceError};

impl Model {
    /// Answers greedily and keeps every intermediate: the encoder's for all windows, the decoder's for all prompt tokens. An
    /// intermediate named in `replace` is kept as computed, and then goes on with the values given (with all windows, row-major).
    ///
    /// # Errors
    /// As [`Model::listen`] and [`crate::Clip::generate`].
    pub async fn trace(
        &self,
        windows: &Windows,
        prompt: &[u32],
        max_new_tokens: usize,
        replace: &HashMap<String, Vec<f32>>,
    ) -> Result<Trace, ReferenceError> {
        self.check_windows(windows)?;
        let mut taps = Taps::all(replace.clone());
        let tokens = self.0.encode(windows, 0..windows.count, &mut taps);
        let clip = self.remember(tokens, &mut taps);
        clip.check_prompt(prompt, max_new_tokens)?;
        let decoder = &self.0.decoder;
        let x = decoder.forward(prompt, &clip.memory, &mut decoder.cache(), &mut taps);
        decoder.logits(x, &mut taps);
        let options = GenerateOptions { max_new_tokens, keep_logits: true, ..GenerateOptions::default() };
        let generation = clip.generate(prompt, &options, &mut |_| true).await?;
        Ok(Trace { tensors: taps.kept, new_ids: generation.ids, step_logits: generation.logits })
    }
}
