//! Checks of a request before anything is computed, and of the logits before a token is chosen.

use super::{EngineError, GenerateOptions, MOST_TOP_LOGPROBS, Stage, TOKENS_PER_WINDOW};
use crate::audio::Windows;
use crate::config::ModelConfig;
use crate::text::cot;

/// Positions of the longest sequence: prompt and answer of the chain-of-thought entry point.
pub const MOST_POSITIONS: usize = cot::PROMPT_LIMIT + cot::NEW_TOKEN_LIMIT;

/// Checks that audio is cut in windows as the model expects.
///
/// # Errors
/// [`EngineError::WrongWindows`] for another length or rate, [`EngineError::NoWindows`] for none, [`EngineError::TooManyWindows`] for more
/// than [`crate::config::AudioConfig::most_windows`].
pub fn check_windows(config: &ModelConfig, windows: &Windows) -> Result<(), EngineError> {
    let (expected, expected_rate) = (config.audio.window_samples(), config.audio.sample_rate);
    let (found, found_rate) = (windows.window_samples, windows.sample_rate);
    if (found, found_rate) != (expected, expected_rate) {
        return Err(EngineError::WrongWindows { found, found_rate, expected, expected_rate });
    }
    let (found, most) = (windows.count, config.audio.most_windows());
    match found {
        0 => Err(EngineError::NoWindows),
        _ if found > most => Err(EngineError::TooManyWindows { found, seconds: config.audio.window_length, most }),
        _ => Ok(()),
    }
}

/// Checks encoder tokens, [64 · windows, D], and returns their number of windows.
///
/// # Errors
/// [`EngineError::WrongTokens`] if they are no whole number of windows, else as [`check_windows`].
pub fn check_tokens(config: &ModelConfig, tokens: &[f32]) -> Result<usize, EngineError> {
    let per_window = TOKENS_PER_WINDOW * config.audio_transformer.d_model;
    let (found, most) = (tokens.len() / per_window, config.audio.most_windows());
    match found {
        _ if !tokens.len().is_multiple_of(per_window) => {
            Err(EngineError::WrongTokens { found: tokens.len(), per_window })
        }
        0 => Err(EngineError::NoWindows),
        _ if found > most => Err(EngineError::TooManyWindows { found, seconds: config.audio.window_length, most }),
        _ => Ok(found),
    }
}

/// Checks a prompt and returns the positions that it takes together with an answer of `max_new_tokens`.
///
/// # Errors
/// [`EngineError::PromptLength`] if prompt and answer exceed [`MOST_POSITIONS`] or the prompt is empty,
/// [`EngineError::UnknownToken`] for the first id outside the vocabulary.
pub fn check_prompt(config: &ModelConfig, prompt: &[u32], max_new_tokens: usize) -> Result<usize, EngineError> {
    let allowed = MOST_POSITIONS.saturating_sub(max_new_tokens);
    if prompt.is_empty() || prompt.len() > allowed {
        return Err(EngineError::PromptLength { found: prompt.len(), allowed });
    }
    let vocabulary = config.text.vocab_size;
    match prompt.iter().find(|token| **token as usize >= vocabulary) {
        Some(&token) => Err(EngineError::UnknownToken { token, vocabulary }),
        None => Ok(prompt.len() + max_new_tokens),
    }
}

/// Checks the options of an answer, then its prompt; returns the positions needed.
///
/// # Errors
/// [`EngineError::Sampling`] for a parameter out of range, [`EngineError::TooManyAlternatives`], else as [`check_prompt`].
pub fn check_request(config: &ModelConfig, prompt: &[u32], options: &GenerateOptions) -> Result<usize, EngineError> {
    options.sampling.validate()?;
    let (found, most) = (options.top_logprobs, MOST_TOP_LOGPROBS);
    if found > most {
        return Err(EngineError::TooManyAlternatives { found, most });
    }
    check_prompt(config, prompt, options.max_new_tokens)
}

/// Checks that logits, \[V\], can be compared. The network gives no −∞: only the rules of sampling do, later.
///
/// # Errors
/// [`EngineError::NotFinite`].
pub fn check_logits(logits: &[f32]) -> Result<(), EngineError> {
    let finite = logits.iter().all(|logit| logit.is_finite());
    if finite { Ok(()) } else { Err(EngineError::NotFinite { stage: Stage::Logits }) }
}
