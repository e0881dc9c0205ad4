//! Parts of the network on their own, for benchmarks.

use af2_core::audio::Windows;
use af2_core::engine::{Stage, TOKENS_PER_WINDOW, check_window_count};
use af2_gpu::{PlanInfo, Span};

use crate::clip::AudioKvPlan;
use crate::{Clip, Model, ModelError};

impl Model {
    /// Dispatches, weight bytes and floating-point operations of encoding one window.
    ///
    /// # Errors
    /// The device allows no such buffers.
    pub fn encoder_info(&self) -> Result<PlanInfo, ModelError> {
        Ok(self.encoder_plan(1, None)?.plan.info())
    }

    /// Every dispatch of encoding one silent window, timed on the GPU; `None` if the adapter has no timestamps.
    ///
    /// # Errors
    /// The device failed.
    pub async fn profile_encoder(&self) -> Result<Option<Vec<Span>>, ModelError> {
        let encoder = self.gpu().scoped("the encoder", || self.encoder_plan(1, None)).await?;
        Ok(self.gpu().profile(&encoder.plan).await?)
    }

    /// A clip of `windows` windows whose encoder tokens are all zero, and what its audio transformer, keys and values cost: audio of
    /// any length without encoding it.
    ///
    /// # Errors
    /// As [`check_window_count`], or the device failed or has too little memory.
    pub async fn blank_clip(&self, windows: usize) -> Result<(Clip, PlanInfo), ModelError> {
        check_window_count(self.config(), windows)?;
        let width = self.config().audio_transformer.d_model;
        let tokens = self.gpu().storage("audio tokens", (4 * windows * TOKENS_PER_WINDOW * width) as u64)?;
        let frequencies = self.audio_frequencies().await?;
        let make = || self.audio_kv_plan(&tokens, &frequencies, windows, 1, None);
        let AudioKvPlan { plan, audio_kv, flag } = self.gpu().scoped("the audio's keys and values", make).await?;
        self.gpu().run(&[&plan]);
        self.finished(&flag, Stage::AudioKv).await?;
        Ok((self.clip(audio_kv, windows), plan.info()))
    }

    /// Runs the encoder alone on `windows` windows of silence.
    ///
    /// # Errors
    /// As [`check_window_count`], or the device failed.
    pub async fn encode_silence(&self, windows: usize) -> Result<(), ModelError> {
        check_window_count(self.config(), windows)?;
        let encoder = self.gpu().scoped("the encoder", || self.encoder_plan(self.batch(windows), None)).await?;
        let (window_samples, sample_rate) = (self.0.frontend.samples, self.config().audio.sample_rate);
        let silence =
            Windows { codes: Vec::new(), count: windows, window_samples, hop_samples: window_samples, sample_rate };
        self.encode(&encoder, &silence, &mut |_, _| true).await?;
        Ok(())
    }
}
