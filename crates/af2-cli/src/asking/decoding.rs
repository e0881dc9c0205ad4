//! The options of a command that say how tokens are chosen.

use af2_core::sampling::{SamplingParams, SamplingRequest};
use af2_core::text::{cot, prompt};
use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;

/// How the tokens of an answer are chosen.
#[derive(Debug, Args, Serialize)]
pub struct Decoding {
    /// Sample tokens with the published settings (top-k 30, top-p 0.95, temperature 1) instead of taking the most likely.
    #[arg(long)]
    sample: bool,
    /// Divide the logits by this; 0 takes the most likely token.
    #[arg(long)]
    temperature: Option<f64>,
    /// Sample from this many most likely tokens; 0 for all.
    #[arg(long)]
    top_k: Option<usize>,
    /// Sample from the fewest tokens that together have this probability.
    #[arg(long)]
    top_p: Option<f64>,
    /// Sample from tokens at least this fraction as likely as the most likely one.
    #[arg(long)]
    min_p: Option<f64>,
    /// Make tokens that already occurred less likely; 1 for none.
    #[arg(long)]
    repetition_penalty: Option<f64>,
    /// The same seed gives the same answer.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Search with this many beams.
    #[arg(long, value_name = "N")]
    pub beams: Option<usize>,
    /// Most tokens of an answer (256; with --cot 1024 per pass).
    #[arg(long, value_name = "N")]
    max_new_tokens: Option<usize>,
    /// End the answer before this text; may be given several times.
    #[arg(long, value_name = "TEXT")]
    pub stop: Vec<String>,
    /// Chain of thought: longer limits and a second pass that closes unfinished reasoning.
    #[arg(long)]
    pub cot: bool,
}

impl Decoding {
    /// The settings that were asked for.
    ///
    /// # Errors
    /// A setting is out of range, or two contradict each other.
    pub fn sampling(&self) -> Result<SamplingParams> {
        let request = SamplingRequest {
            published: self.sample,
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
            min_p: self.min_p,
            repetition_penalty: self.repetition_penalty,
            seed: self.seed,
        };
        let params = request.params()?;
        if self.beams.is_some() && (!params.is_greedy() || params.repetition_penalty != 1.0 || !self.stop.is_empty()) {
            bail!(
                "--beams searches for the most likely answer; it goes with neither sampling, --repetition-penalty nor --stop"
            );
        }
        Ok(params)
    }

    /// Most tokens of a prompt, and of an answer.
    pub fn limits(&self) -> (usize, usize) {
        let (prompt, new_tokens) = if self.cot {
            (cot::PROMPT_LIMIT, cot::NEW_TOKEN_LIMIT)
        } else {
            (prompt::PROMPT_LIMIT, prompt::NEW_TOKEN_LIMIT)
        };
        (prompt, self.max_new_tokens.unwrap_or(new_tokens))
    }
}
