//! The same work by the reference network on one of Burn's backends, on the same machine in the same run.

use std::path::Path;
use std::time::Instant;

use af2_core::audio::from_codes;
use af2_reference::{Backend, Measurement};
use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use super::{Plan, Report};
use crate::cpu::CpuSession;

/// Burn's backends to be measured against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Rival {
    /// burn-wgpu with float32 weights, on the adapter it prefers; for builds with `--features burn-wgpu`.
    Burn,
    /// burn-flex on the processor: what `--engine cpu` answers with.
    Processor,
}

/// How long a rival takes, and how many times as long as the engine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Against {
    /// Its name.
    pub name: &'static str,
    /// Windows in memory.
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

impl Rival {
    /// Loads the model once more, listens and answers as often as `plan` says, in its first context.
    ///
    /// # Errors
    /// The machine has too little memory, or the backend failed.
    pub fn measure(self, backend: Backend, model: &Path, plan: &Plan, ours: &Report) -> Result<Against> {
        let session = CpuSession::load_on(backend, model)?;
        let config = session.model.config();
        let windows = plan.contexts.first().copied().unwrap_or(1);
        let samples = (config.audio.window_length * f64::from(config.audio.sample_rate)).round() as usize;
        let noise: Vec<i16> = (0..windows * samples).map(|n| (n * n % 20_011) as i16 - 10_005).collect();
        let sound = from_codes(&noise, &config.audio, windows)?;
        let start = Instant::now();
        let now = || start.elapsed().as_secs_f64();
        let prompt = plan.prompt(config.text.vocab_size);
        let measured = pollster::block_on(session.model.measure(&sound, &prompt, plan.tokens - 1, &now))?;
        Ok(self.beside(measured, windows, ours))
    }

    fn beside(self, measured: Measurement, windows: usize, ours: &Report) -> Against {
        let context = ours.contexts.iter().find(|context| context.windows == windows);
        let (memory, first, token) = context.map_or((f64::NAN, f64::NAN, f64::NAN), |context| {
            (context.memory_seconds, context.first_token_seconds, context.seconds_per_token)
        });
        Against {
            name: self.name(),
            windows,
            listen_seconds: measured.encode,
            first_token_seconds: measured.prompt,
            seconds_per_token: measured.token,
            listen_ratio: measured.encode / (ours.encode.seconds * windows as f64 + memory),
            first_token_ratio: measured.prompt / first,
            token_ratio: measured.token / token,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Burn => "burn-wgpu",
            Self::Processor => "burn-flex on the processor",
        }
    }

    /// What Burn computes it on.
    ///
    /// # Errors
    /// This build has no such backend.
    pub fn backend(self) -> Result<Backend> {
        match self {
            Self::Processor => Ok(Backend::Cpu),
            #[cfg(feature = "burn-wgpu")]
            Self::Burn => Ok(Backend::Wgpu),
            #[cfg(not(feature = "burn-wgpu"))]
            Self::Burn => anyhow::bail!(
                "this build has no burn-wgpu: run cargo with `--features burn-wgpu`, or take `--against processor`"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Context, Encode, Token, rates::Rates};

    fn ours() -> Report {
        let rates = Rates { copy_bytes_per_second: 1.0, product_flops_per_second: 1.0 };
        let encode = Encode { seconds: 2.0, times_real_time: 5.0, dispatches: 1, flops: 1, of_product: 1.0 };
        let context = |windows, memory_seconds| Context {
            windows,
            memory_seconds,
            memory_flops: 1,
            first_token_seconds: 0.5,
            seconds_per_token: 0.25,
            tokens_per_second: 4.0,
            bytes_per_second: 1.0,
            of_copy: 1.0,
            microseconds_per_dispatch: 1.0,
        };
        let contexts = vec![context(12, 9.0), context(3, 1.0)];
        let token = Token { dispatches: [1, 1], weight_bytes: 1, audio_bytes_per_window: 0 };
        Report { rates, encode, contexts, token, encoder_kernels: Vec::new(), token_kernels: Vec::new(), against: None }
    }

    #[test]
    fn ratios_count_what_the_engine_does_for_the_same_sound() {
        let measured = Measurement { encode: 21.0, prompt: 1.0, token: 1.0 };
        let against = Rival::Processor.beside(measured, 3, &ours());
        assert_eq!((against.listen_ratio, against.first_token_ratio, against.token_ratio), (3.0, 2.0, 4.0));
    }
}
