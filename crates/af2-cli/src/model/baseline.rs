//! Baselines of a benchmark: the network of `af2-cpu` on one of Burn's backends.

use clap::ValueEnum;

/// A backend of Burn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Baseline {
    /// burn-wgpu with float32 weights, on the adapter it prefers; for builds with `--features burn-wgpu`.
    Burn,
    /// burn-flex on the CPU: what `--engine cpu` answers with.
    Cpu,
}

impl Baseline {
    /// Its name in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Burn => "burn-wgpu",
            Self::Cpu => "burn-flex on the CPU",
        }
    }
}

/// What a baseline takes for one answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    /// From samples to the keys and values of every block.
    pub listen_seconds: f64,
    /// From the question to its first token.
    pub first_token_seconds: f64,
    /// Each further token.
    pub seconds_per_token: f64,
}
