//! An answer as one JSON object.

use af2_core::audio::LoadedAudio;
use serde::Serialize;

use super::Generated;
use crate::model::Engine;

/// One answer.
#[derive(Serialize)]
pub struct Answer<'a> {
    question: &'a str,
    text: String,
    ids: Vec<u32>,
    prompt_ids: Vec<u32>,
    finish_reason: &'static str,
    windows: usize,
    seconds: f64,
    truncated: bool,
    /// What of the file was passed over, missing or cut.
    notices: &'a [String],
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
    /// From the question to its first token.
    pub first_token: f64,
    /// From the question to the whole answer.
    pub generate: f64,
    /// Of the tokens after the first.
    pub tokens_per_second: f64,
}

impl<'a> Answer<'a> {
    /// Of a generation; `timings` hold what came before it.
    pub fn new(
        engine: &dyn Engine,
        audio: &'a LoadedAudio,
        question: &'a str,
        generated: Generated,
        timings: Timings,
    ) -> Self {
        let decoded = (generated.ids.len().saturating_sub(1)) as f64;
        let seconds = generated.seconds - generated.first_token;
        Self {
            question,
            text: generated.text,
            ids: generated.ids,
            prompt_ids: generated.prompt_ids,
            finish_reason: generated.finish.as_str(),
            windows: audio.windows.count,
            seconds: audio.windows.seconds(),
            truncated: audio.info.truncated,
            notices: &audio.info.notices,
            adapter: engine.name(),
            timings: Timings {
                first_token: generated.first_token,
                generate: generated.seconds,
                tokens_per_second: if seconds > 0.0 { decoded / seconds } else { 0.0 },
                ..timings
            },
        }
    }
}
