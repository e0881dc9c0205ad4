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

/// A sound on its way in, a window per step: a caller that must see to other things does so between two of them.
pub struct Listening<'a> {
    model: &'a Model,
    windows: &'a Windows,
    /// The encoder's tokens of every window heard, [64, D].
    tokens: Vec<Tensor<2>>,
}

impl Listening<'_> {
    /// Encodes the next window, if there is one.
    pub fn step(&mut self) {
        let index = self.heard();
        if index < self.windows.count {
            self.tokens.push(self.model.0.encode(self.windows, index..index + 1, &mut Taps::default()));
        }
    }

    /// Windows encoded so far.
    pub fn heard(&self) -> usize {
        self.tokens.len()
    }

    /// What was heard, ready for questions.
    ///
    /// # Errors
    /// Not every window was encoded.
    pub fn finish(self) -> Result<Clip, ReferenceError> {
        if self.heard() < self.windows.count {
            return Err(ReferenceError::Cancelled);
        }
        Ok(self.model.remember(Tensor::cat(self.tokens, 0), &mut Taps::default()))
    }
}

impl Model {
    /// Starts to encode a sound; no window has been encoded yet.
    ///
    /// # Errors
    /// The windows are not cut as the model expects.
    pub fn hear<'a>(&'a self, windows: &'a Windows) -> Result<Listening<'a>, ReferenceError> {
        self.check_windows(windows)?;
        Ok(Listening { model: self, windows, tokens: Vec::with_capacity(windows.count) })
    }

    /// Encodes a sound. `progress` is told how many of how many windows are done, and stops the work by returning false.
    ///
    /// # Errors
    /// The windows are not cut as the model expects, or `progress` said stop.
    pub fn listen(
        &self,
        windows: &Windows,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Clip, ReferenceError> {
        let mut listening = self.hear(windows)?;
        loop {
            if !progress(listening.heard(), windows.count) {
                return Err(ReferenceError::Cancelled);
            }
            if listening.heard() == windows.count {
                return listening.finish();
            }
            listening.step();
        }
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

    /// Completes when the memory is there and not only asked for: backends compute when they find time.
    ///
    /// # Errors
    /// The backend failed.
    pub async fn computed(&self) -> Result<(), ReferenceError> {
        let Some(last) = self.memory.iter().flatten().last() else { return Ok(()) };
        let one = last.v.clone().slice([0..1, 0..1, 0..1]).into_data_async().await;
        one.map(drop).map_err(|error| ReferenceError::Backend(error.to_string()))
    }
}
