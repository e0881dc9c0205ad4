//! Parts of the network alone, for measuring them.

use af2_core::audio::Windows;
use af2_gpu::{PlanFacts, Span};

use crate::encoder::TOKENS_PER_WINDOW;
use crate::{Clip, ListenOptions, Model, ModelError};

impl Model {
    /// Dispatches, weight bytes and floating-point operations of encoding one window.
    ///
    /// # Errors
    /// The device allows no such buffers.
    pub fn encoder_facts(&self) -> Result<PlanFacts, ModelError> {
        Ok(self.encoder_plan(1, None)?.plan.facts())
    }

    /// Every dispatch of encoding one silent window, timed on the GPU; none where the adapter has no timestamps.
    ///
    /// # Errors
    /// The device failed.
    pub async fn profile_encoder(&self) -> Result<Option<Vec<Span>>, ModelError> {
        let encoder = self.gpu().scoped("the encoder", || self.encoder_plan(1, None)).await?;
        Ok(self.gpu().profile(&encoder.plan).await?)
    }

    /// Audio transformer, keys and values for `windows` windows whose encoder tokens are all zero: a clip of any length without
    /// encoding one, and what making its memory costs.
    ///
    /// # Errors
    /// The device failed or has too little memory.
    pub async fn blank_clip(&self, windows: usize) -> Result<(Clip, PlanFacts), ModelError> {
        let width = self.config().audio_transformer.d_model;
        let tokens = self.gpu().storage("audio tokens", (4 * windows * TOKENS_PER_WINDOW * width) as u64)?;
        let frequencies = self.audio_frequencies().await?;
        let make = || self.memory_plan(&tokens, &frequencies, windows, None);
        let (plan, audio_kv) = self.gpu().scoped("the audio's keys and values", make).await?;
        self.gpu().run(&[&plan]);
        self.gpu().idle().await?;
        Ok((self.clip(audio_kv, windows, Vec::new()), plan.facts()))
    }

    /// Encodes `windows` windows of silence, as listening does but for what follows the encoder.
    ///
    /// # Errors
    /// The device failed.
    pub async fn encode_silence(&self, windows: usize) -> Result<(), ModelError> {
        let encoder = self.gpu().scoped("the encoder", || self.encoder_plan(self.batch(windows), None)).await?;
        let (window_samples, sample_rate) = (self.0.frontend.samples, self.config().audio.sample_rate);
        let silence =
            Windows { codes: Vec::new(), count: windows, window_samples, hop_samples: window_samples, sample_rate };
        self.encode(&encoder, &silence, ListenOptions::default(), &mut |_, _| true).await?;
        Ok(())
    }
}
