//! A sound that was listened to: its keys and values for every cross-attention block, ready for any number of questions.

use af2_core::audio::Windows;
use burn_tensor::Tensor;

use crate::cross_attention::AudioMemory;
use crate::taps::Taps;
use crate::{Model, ReferenceError};

/// A sound in the model's memory.
pub struct Clip {
    pub(crate) model: Model,
    /// Of the layers that have a block.
    pub(crate) memory: Vec<Option<AudioMemory>>,
}

impl Model {
    /// Encodes a sound. `progress` is told how many of how many windows are done, and stops the work by returning false.
    ///
    /// # Errors
    /// The windows are not cut as the model expects, or `progress` said stop.
    pub fn listen(
        &self,
        windows: &Windows,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Clip, ReferenceError> {
        self.check_windows(windows)?;
        let mut tokens = Vec::with_capacity(windows.count);
        for index in 0..windows.count {
            if !progress(index, windows.count) {
                return Err(ReferenceError::Cancelled);
            }
            tokens.push(self.0.encode(windows, index..index + 1, &mut Taps::default()));
        }
        progress(windows.count, windows.count);
        Ok(self.remember(Tensor::cat(tokens, 0), &mut Taps::default()))
    }

    /// From the encoder's tokens of all windows, [T, D].
    pub(crate) fn remember(&self, tokens: Tensor<2>, taps: &mut Taps) -> Clip {
        let audio = self.0.audio_transformer.forward(tokens, taps);
        Clip { model: self.clone(), memory: self.0.decoder.remember(&audio, taps) }
    }
}

impl Clip {
    /// The model that listened.
    pub fn model(&self) -> &Model {
        &self.model
    }
}
