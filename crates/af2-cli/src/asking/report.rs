//! An answer as one JSON object.

use af2_core::answers::{Choice, Relevance, confidence};
use af2_core::audio::LoadedAudio;
use anyhow::Result;
use serde::Serialize;

use super::logprobs::{ScoredToken, scored_tokens};
use super::{Asker, Beside, Generated};

/// One answer.
#[derive(Serialize)]
pub struct Answer<'a> {
    question: &'a str,
    text: String,
    ids: Vec<u32>,
    prompt_ids: Vec<u32>,
    finish_reason: &'static str,
    /// [`confidence`] of `ids`.
    confidence: f32,
    /// The tokens of `ids`, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<Vec<ScoredToken>>,
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    relevance: Option<Relevance>,
    /// The options of a benchmark's item, weighed.
    #[serde(skip_serializing_if = "Option::is_none")]
    choice: Option<Choice>,
    /// The seconds that an evaluated answer goes by, by several methods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    places: Vec<Relevance>,
    windows: usize,
    seconds: f64,
    truncated: bool,
    /// What of the file or the question was passed over, missing or cut.
    notices: Vec<String>,
    adapter: String,
    timings: Timings,
}

/// Seconds.
#[derive(Serialize, Clone, Copy, Default)]
pub struct Timings {
    /// Of the model.
    pub load: f64,
    /// From the audio file to windows.
    pub decode_audio: f64,
    /// From windows to the clip's keys and values.
    pub encode: f64,
    /// From the question to its first token; null in a batch that decodes several questions together.
    pub first_token: Option<f64>,
    /// From the question to the whole answer; of questions decoded together, the share of each.
    pub generate: f64,
    /// Of the tokens after the first.
    pub tokens_per_second: f64,
}

impl<'a> Answer<'a> {
    /// Of a generation; `timings` hold what came before it.
    ///
    /// # Errors
    /// The tokenizer failed.
    pub fn new(
        asker: &Asker<'_>,
        audio: &LoadedAudio,
        question: &'a str,
        generated: Generated,
        timings: Timings,
    ) -> Result<Self> {
        let (ids, logprobs, engine) = (&generated.ids, &generated.logprobs, asker.engine);
        let tokens = || scored_tokens(engine.tokenizer(), ids, logprobs, &generated.alternatives);
        let tokens = asker.decoding.logprobs.map(|_| tokens()).transpose()?;
        let decoded = (generated.ids.len().saturating_sub(1)) as f64;
        let seconds = generated.seconds - generated.first_token.unwrap_or_default();
        Ok(Self {
            question,
            text: generated.text,
            ids: generated.ids,
            prompt_ids: generated.prompt_ids,
            finish_reason: generated.finish.as_str(),
            confidence: confidence(&generated.logprobs),
            logprobs: tokens,
            relevance: None,
            choice: None,
            places: Vec::new(),
            windows: audio.windows.count,
            seconds: audio.windows.seconds(),
            truncated: audio.info.truncated,
            notices: [&audio.info.notices[..], &generated.notices].concat(),
            adapter: engine.name(),
            timings: Timings {
                first_token: generated.first_token,
                generate: generated.seconds,
                tokens_per_second: if seconds > 0.0 { decoded / seconds } else { 0.0 },
                ..timings
            },
        })
    }

    /// The same with what an evaluation measured beside it.
    pub fn with_beside(self, Beside { choice, places }: Beside) -> Self {
        Self { choice, places, ..self }
    }

    /// The same with the seconds that it goes by.
    pub fn with_relevance(self, relevance: Option<Relevance>) -> Self {
        Self { relevance, ..self }
    }
}
