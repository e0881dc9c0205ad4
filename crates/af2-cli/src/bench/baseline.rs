//! The same work by the network of `af2-cpu` on one of Burn's backends, on the same machine in the same run.

use std::path::Path;

use af2_core::audio::from_codes;
use af2_core::config::ModelConfig;
use anyhow::Result;
use serde::Serialize;

use super::{Report, Workload};
use crate::model::{Baseline, Measurement};

/// A baseline's seconds, and their ratio to the engine's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Its name.
    pub name: &'static str,
    /// Windows attended to.
    pub windows: usize,
    /// From samples to the keys and values of every block.
    pub listen_seconds: f64,
    /// From the question to its first token.
    pub first_token_seconds: f64,
    /// Each further token.
    pub seconds_per_token: f64,
    /// Its seconds over the engine's.
    pub listen_ratio: f64,
    /// Its seconds over the engine's.
    pub first_token_ratio: f64,
    /// Its seconds over the engine's.
    pub token_ratio: f64,
}

impl Comparison {
    /// Loads the model once more and does the first context of `workload`, on noise.
    ///
    /// # Errors
    /// The machine has too little memory, or the backend failed.
    pub fn measure(
        baseline: Baseline,
        model: &Path,
        config: &ModelConfig,
        workload: &Workload,
        ours: &Report,
    ) -> Result<Self> {
        let windows = workload.contexts.first().copied().unwrap_or(1);
        let samples = (config.audio.window_length * f64::from(config.audio.sample_rate)).round() as usize;
        let noise: Vec<i16> = (0..windows * samples).map(|n| (n * n % 20_011) as i16 - 10_005).collect();
        let audio = from_codes(&noise, &config.audio, windows)?;
        let measured = baseline.measure(model, &audio, &workload.prompt(config.text.vocab_size), workload.tokens)?;
        Ok(Self::new(baseline.name(), windows, measured, ours))
    }

    fn new(name: &'static str, windows: usize, measured: Measurement, ours: &Report) -> Self {
        let Measurement { listen_seconds, first_token_seconds, seconds_per_token } = measured;
        let context = ours.contexts.iter().find(|context| context.windows == windows);
        let (audio_kv, first, token) = context.map_or((f64::NAN, f64::NAN, f64::NAN), |context| {
            (context.audio_kv_seconds, context.first_token_seconds, context.seconds_per_token)
        });
        Self {
            name,
            windows,
            listen_seconds,
            first_token_seconds,
            seconds_per_token,
            listen_ratio: listen_seconds / (ours.encode.seconds * windows as f64 + audio_kv),
            first_token_ratio: first_token_seconds / first,
            token_ratio: seconds_per_token / token,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Context, Encode, Token, rates::Rates};

    fn ours() -> Report {
        let rates = Rates { copy_bytes_per_second: 1.0, matmul_flops_per_second: 1.0 };
        let encode = Encode { seconds: 2.0, times_real_time: 5.0, dispatches: 1, flops: 1, of_matmul: 1.0 };
        let context = |windows, audio_kv_seconds| Context {
            windows,
            audio_kv_seconds,
            audio_kv_flops: 1,
            first_token_seconds: 0.5,
            seconds_per_token: 0.25,
            tokens_per_second: 4.0,
            bytes_per_second: 1.0,
            of_copy: 1.0,
            microseconds_per_dispatch: 1.0,
        };
        let contexts = vec![context(12, 9.0), context(3, 1.0)];
        let token = Token { dispatches: [1, 1], weight_bytes: 1, audio_bytes_per_window: 0, record_microseconds: 1.0 };
        Report {
            rates,
            encode,
            contexts,
            token,
            beams: None,
            encoder_kernels: Vec::new(),
            token_kernels: Vec::new(),
            baseline: None,
        }
    }

    #[test]
    fn ratios_count_what_the_engine_does_for_the_same_audio() {
        let measured = Measurement { listen_seconds: 21.0, first_token_seconds: 1.0, seconds_per_token: 1.0 };
        let comparison = Comparison::new("a baseline", 3, measured, &ours());
        assert_eq!((comparison.listen_ratio, comparison.first_token_ratio, comparison.token_ratio), (3.0, 2.0, 4.0));
    }
}
