//! Encoded audio: its keys and values for every cross-attention block, ready for any number of questions.

use af2_core::audio::Windows;
use af2_core::engine::{EngineError, Stage, TOKENS_PER_WINDOW, check_tokens, check_windows};
use burn_tensor::{Tensor, TensorData};

use crate::audio_kv::AudioKv;
use crate::layers::zero_or_nan;
use crate::taps::Taps;
use crate::{CpuError, Model};

/// Audio that a model has encoded.
pub struct Clip {
    pub(crate) model: Model,
    /// Per decoder layer, for those that have a cross-attention block.
    pub(crate) audio_kv: Vec<Option<AudioKv>>,
    /// A sum over the encoder's tokens, [1]: NaN if any of them is not finite, else 0.
    tokens_check: Tensor<1>,
    windows: usize,
}

/// Audio being encoded, a window per step: a caller that must see to other things does so between two of them.
pub struct Listening<'a> {
    model: &'a Model,
    windows: &'a Windows,
    /// Encoder tokens of every window so far, [64, D] each.
    tokens: Vec<Tensor<2>>,
}

impl Listening<'_> {
    /// Encodes the next window, if there is one.
    pub fn step(&mut self) {
        let index = self.encoded();
        if index < self.windows.count {
            self.tokens.push(self.model.0.encode(self.windows, index..index + 1, &mut Taps::default()));
        }
    }

    /// Windows encoded so far.
    pub fn encoded(&self) -> usize {
        self.tokens.len()
    }

    /// The clip, once every window was encoded. Its numbers are not checked yet: [`Clip::computed`] does.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`] before that.
    pub fn finish(self) -> Result<Clip, CpuError> {
        if self.encoded() < self.windows.count {
            return Err(EngineError::Cancelled.into());
        }
        Ok(self.model.clip(Tensor::cat(self.tokens, 0), false, &mut Taps::default()))
    }
}

impl Model {
    /// Starts to encode audio; no window has been encoded yet.
    ///
    /// # Errors
    /// As [`check_windows`].
    pub fn start_listening<'a>(&'a self, windows: &'a Windows) -> Result<Listening<'a>, CpuError> {
        check_windows(self.config(), windows)?;
        Ok(Listening { model: self, windows, tokens: Vec::new() })
    }

    /// Encodes audio. `progress` is told how many of how many windows are done, and stops the work by returning false.
    ///
    /// # Errors
    /// As [`check_windows`], [`EngineError::Cancelled`], or [`EngineError::NotFinite`].
    pub fn listen(&self, windows: &Windows, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<Clip, CpuError> {
        let mut listening = self.start_listening(windows)?;
        loop {
            if !progress(listening.encoded(), windows.count) {
                return Err(EngineError::Cancelled.into());
            }
            if listening.encoded() == windows.count {
                let clip = listening.finish()?;
                clip.checks().into_iter().try_for_each(|(stage, sum)| verdict(stage, sum.try_into_scalar()))?;
                return Ok(clip);
            }
            listening.step();
        }
    }

    /// The encoder's tokens, [64 · windows, D], row-major. `progress` as in [`Model::listen`].
    ///
    /// # Errors
    /// As [`check_windows`], [`EngineError::Cancelled`], or [`EngineError::NotFinite`].
    pub fn encode(
        &self,
        windows: &Windows,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Vec<f32>, CpuError> {
        let mut listening = self.start_listening(windows)?;
        while listening.encoded() < windows.count {
            if !progress(listening.encoded(), windows.count) {
                return Err(EngineError::Cancelled.into());
            }
            listening.step();
        }
        let tokens: Vec<f32> =
            listening.tokens.iter().flat_map(|tokens| tokens.to_data().iter().collect::<Vec<_>>()).collect();
        let finite = tokens.iter().all(|value| value.is_finite());
        if finite { Ok(tokens) } else { Err(EngineError::NotFinite { stage: Stage::EncoderTokens }.into()) }
    }

    /// A clip of encoder tokens, [64 · windows, D], as [`Model::encode`] gave them: one sound, or, with `apart`, every window a sound of its
    /// own that knows nothing of the others.
    ///
    /// # Errors
    /// As [`check_tokens`], or [`EngineError::NotFinite`].
    pub fn hear(&self, tokens: &[f32], apart: bool) -> Result<Clip, CpuError> {
        let windows = check_tokens(self.config(), tokens)?;
        let shape = [windows * TOKENS_PER_WINDOW, self.config().audio_transformer.d_model];
        let device = self.0.decoder.device.clone();
        let tokens = Tensor::from_data(TensorData::new(tokens.to_vec(), shape), &device);
        let clip = self.clip(tokens, apart, &mut Taps::default());
        clip.checks().into_iter().try_for_each(|(stage, sum)| verdict(stage, sum.try_into_scalar()))?;
        Ok(clip)
    }

    /// From the encoder's tokens of all windows, [T, D].
    pub(crate) fn clip(&self, tokens: Tensor<2>, apart: bool, taps: &mut Taps) -> Clip {
        let tokens_check = zero_or_nan(tokens.clone()).sum();
        let windows = tokens.dims()[0] / TOKENS_PER_WINDOW;
        let sounds = if apart { tokens.chunk(windows, 0) } else { vec![tokens] };
        let transformer = &self.0.audio_transformer;
        let audio = Tensor::cat(sounds.into_iter().map(|tokens| transformer.forward(tokens, taps)).collect(), 0);
        Clip { model: self.clone(), audio_kv: self.0.decoder.audio_kv(&audio, taps), tokens_check, windows }
    }
}

impl Clip {
    /// The model that encoded it.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Windows of audio.
    pub fn windows(&self) -> usize {
        self.windows
    }

    /// Completes when keys and values are computed and not only asked for (a backend may compute later), and checks them.
    ///
    /// # Errors
    /// [`EngineError::NotFinite`], or the backend failed.
    pub async fn computed(&self) -> Result<(), CpuError> {
        for (stage, sum) in self.checks() {
            verdict(stage, sum.try_into_scalar_async().await)?;
        }
        Ok(())
    }

    /// Sums, [1], that are NaN where a stage gave a number that is not finite, else 0.
    fn checks(&self) -> Vec<(Stage, Tensor<1>)> {
        let device = &self.model.0.decoder.device;
        let audio_kv = self.audio_kv.iter().flatten().map(|kv| kv.check(device)).reduce(|sum, part| sum + part);
        let tokens = (Stage::EncoderTokens, self.tokens_check.clone());
        std::iter::once(tokens).chain(audio_kv.map(|sum| (Stage::AudioKv, sum))).collect()
    }
}

fn verdict<E: ToString>(stage: Stage, sum: Result<f32, E>) -> Result<(), CpuError> {
    match sum {
        Ok(0.0) => Ok(()),
        Ok(_) => Err(EngineError::NotFinite { stage }.into()),
        Err(error) => Err(CpuError::Backend(error.to_string())),
    }
}
