//! Checks of a request before anything is computed, and of the logits before a token is chosen.

use super::{EngineError, GenerateOptions, MOST_TOP_LOGPROBS, Query, ScoreRequest, Stage, TOKENS_PER_WINDOW};
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
    check_window_count(config, windows.count)
}

/// Checks a number of windows, before anything of their size is allocated.
///
/// # Errors
/// [`EngineError::NoWindows`], [`EngineError::TooManyWindows`].
pub fn check_window_count(config: &ModelConfig, found: usize) -> Result<(), EngineError> {
    let most = config.audio.most_windows();
    match found {
        0 => Err(EngineError::NoWindows),
        _ if found > most => Err(EngineError::TooManyWindows { found, seconds: config.audio.window_length, most }),
        _ => Ok(()),
    }
}

/// Numbers in the keys and values of `windows` windows, over all cross-attention blocks.
pub fn audio_kv_values(config: &ModelConfig, windows: usize) -> u64 {
    let blocks = (0..config.text.num_hidden_layers).filter(|layer| config.cross_attention.present_at(*layer)).count();
    let per_token = 2 * config.cross_attention.inner_dim() * blocks;
    (windows as u64).saturating_mul((TOKENS_PER_WINDOW * per_token) as u64)
}

/// Numbers in the encoder's tokens of `windows` windows.
pub fn encoder_token_values(config: &ModelConfig, windows: usize) -> u64 {
    (windows as u64).saturating_mul((TOKENS_PER_WINDOW * config.audio_transformer.d_model) as u64)
}

/// Checks encoder tokens, [64 · windows, D], and returns their number of windows.
///
/// # Errors
/// [`EngineError::WrongTokens`] if they are no whole number of windows, else as [`check_windows`].
pub fn check_tokens(config: &ModelConfig, tokens: &[f32]) -> Result<usize, EngineError> {
    let per_window = TOKENS_PER_WINDOW * config.audio_transformer.d_model;
    if !tokens.len().is_multiple_of(per_window) {
        return Err(EngineError::WrongTokens { found: tokens.len(), per_window });
    }
    let found = tokens.len() / per_window;
    check_window_count(config, found)?;
    Ok(found)
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

/// Checks what is to be scored about a clip of `windows` windows.
///
/// # Errors
/// [`EngineError::NothingToScore`] for a request without a continuation or a continuation without a token, else as [`super::AudioView::check`]
/// and [`check_prompt`], which also sees the continuations' ids.
pub fn check_scoring(config: &ModelConfig, requests: &[ScoreRequest], windows: usize) -> Result<(), EngineError> {
    for request in requests {
        request.query.view.check(windows)?;
        if request.continuations.is_empty() {
            return Err(EngineError::NothingToScore);
        }
        for continuation in &request.continuations {
            if continuation.is_empty() {
                return Err(EngineError::NothingToScore);
            }
            check_prompt(config, continuation, 0)?;
            check_prompt(config, &request.query.prompt, continuation.len().min(MOST_POSITIONS))?;
        }
    }
    Ok(())
}

/// Checks what is to be answered together about a clip of `windows` windows.
///
/// # Errors
/// [`EngineError::NotTogether`] unless the answers are greedy, without a penalty, alternatives or logits, else as [`super::AudioView::check`] and
/// [`check_request`].
pub fn check_together(
    config: &ModelConfig,
    queries: &[Query],
    options: &GenerateOptions,
    windows: usize,
) -> Result<(), EngineError> {
    let greedy = options.sampling.is_greedy() && options.sampling.repetition_penalty == 1.0;
    if !greedy || options.top_logprobs > 0 || options.keep_logits {
        return Err(EngineError::NotTogether);
    }
    for query in queries {
        query.view.check(windows)?;
        check_request(config, &query.prompt, options)?;
    }
    Ok(())
}

/// Checks that logits, \[V\], can be compared. The network gives no −∞: only the rules of sampling do, later.
///
/// # Errors
/// [`EngineError::NotFinite`].
pub fn check_logits(logits: &[f32]) -> Result<(), EngineError> {
    let finite = logits.iter().all(|logit| logit.is_finite());
    if finite { Ok(()) } else { Err(EngineError::NotFinite { stage: Stage::Logits }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_windows_than_are_heard_are_refused_by_their_number() {
        let config = ModelConfig::parse(include_bytes!("../../../../weights/toy/config.json")).unwrap();
        assert!(check_window_count(&config, 1).is_ok() && check_window_count(&config, 150).is_ok());
        assert!(matches!(check_window_count(&config, 0), Err(EngineError::NoWindows)));
        let many = check_window_count(&config, 100_000).unwrap_err().to_string();
        assert!(many.contains("100000 windows of 10 s, and at most 150 are heard"), "{many}");
        let blocks =
            (0..config.text.num_hidden_layers).filter(|layer| config.cross_attention.present_at(*layer)).count();
        let one = (64 * 2 * config.cross_attention.inner_dim() * blocks) as u64;
        assert_eq!((audio_kv_values(&config, 1), audio_kv_values(&config, 150)), (one, 150 * one));
        assert_eq!(audio_kv_values(&config, usize::MAX), u64::MAX);
        assert_eq!(encoder_token_values(&config, 3), 3 * 64 * config.audio_transformer.d_model as u64);
    }
}
