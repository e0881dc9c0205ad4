//! The options of a command that say how tokens are chosen.

use std::cell::OnceCell;
use std::convert::Infallible;
use std::path::Path;

use af2_core::answers::{JsonRules, JsonSchema, OneOf};
use af2_core::engine::{MOST_TOP_LOGPROBS, TokenRules};
use af2_core::sampling::{SamplingParams, SamplingRequest};
use af2_core::text::{cot, prompt};
use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;

use crate::model::Engine;
use crate::open_file::{open_input, read_whole};

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
    /// Answer with one of these texts, exactly.
    #[arg(long, value_name = "TEXT,…", value_delimiter = ',', value_parser = trimmed)]
    choices: Vec<String>,
    /// One more text that may be the answer; may hold commas, and be given several times.
    #[arg(long, value_name = "TEXT")]
    choice: Vec<String>,
    /// Answer with JSON of the schema in this file. Known of JSON Schema are types, properties, required, items, enum, const, anyOf, limits
    /// of lengths, and $ref without recursion; anything else is refused.
    #[arg(long, value_name = "FILE", value_parser = read_schema, conflicts_with_all = ["choices", "choice"])]
    json_schema: Option<JsonSchema>,
    /// [`Decoding::json_schema`] for the tokens of a model.
    #[arg(skip)]
    #[serde(skip)]
    json_rules: OnceCell<JsonRules>,
    /// In JSON, list the log-probability of every token, and this many most likely ones in its place (0 to 20).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=MOST_TOP_LOGPROBS as i64))]
    pub logprobs: Option<u8>,
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
        if self.has_rules() && (self.beams.is_some() || self.cot) {
            bail!("--choices, --choice and --json-schema go with neither --beams nor --cot");
        }
        Ok(params)
    }

    /// The rules that an answer must obey, anew for each; none where everything may be said.
    ///
    /// # Errors
    /// A text is empty or longer than an answer may be.
    pub fn rules(&self, engine: &dyn Engine) -> Result<Option<Box<dyn TokenRules>>> {
        if !self.has_rules() {
            return Ok(None);
        }
        let (tokenizer, tokens) = (engine.tokenizer(), &engine.config().tokens);
        if let Some(schema) = &self.json_schema {
            let rules = match self.json_rules.get() {
                Some(rules) => rules,
                None => {
                    let made = JsonRules::new(tokenizer, tokens, schema)?;
                    self.json_rules.get_or_init(|| made)
                }
            };
            return Ok(Some(Box::new(rules.anew())));
        }
        let texts = [&self.choices[..], &self.choice].concat();
        let rules = OneOf::new(tokenizer, tokens, &texts)?;
        let (longest, (_, most)) = (rules.longest(), self.limits());
        if longest > most {
            bail!(
                "the longest choice has {longest} tokens, and an answer at most {most}; shorten it, or raise --max-new-tokens"
            );
        }
        Ok(Some(Box::new(rules)))
    }

    pub(super) fn has_rules(&self) -> bool {
        !self.choices.is_empty() || !self.choice.is_empty() || self.json_schema.is_some()
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

/// Most bytes of a schema's file.
const SCHEMA_LIMIT: u64 = 1 << 20;

fn read_schema(path: &str) -> Result<JsonSchema, String> {
    let bytes = open_input(Path::new(path)).and_then(|file| read_whole(file, SCHEMA_LIMIT));
    let bytes = bytes.map_err(|error| format!("cannot read {path}: {error}"))?;
    JsonSchema::parse(&bytes).map_err(|error| error.to_string())
}

/// A text of a list, without the blanks that people write after commas.
///
/// # Errors
/// None.
pub fn trimmed(text: &str) -> Result<String, Infallible> {
    Ok(text.trim().to_owned())
}
