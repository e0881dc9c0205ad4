//! The tokens of an answer with their log-probabilities, for JSON.

use af2_core::engine::TokenLogprob;
use af2_core::text::{TextError, Tokenizer};
use serde::Serialize;

/// A token that could stand in an answer.
#[derive(Serialize)]
struct Scored {
    /// Its id.
    token: u32,
    /// Its text; U+FFFD for a part of a character.
    text: String,
    /// log softmax of its logit, without temperature, penalty or rules.
    logprob: f32,
}

/// A token of an answer.
#[derive(Serialize)]
pub struct ScoredToken {
    #[serde(flatten)]
    token: Scored,
    /// The most likely tokens in its place.
    top: Vec<Scored>,
}

/// The tokens `ids`, which have these log-probabilities, and alternatives where there are any.
///
/// # Errors
/// The tokenizer failed.
pub(super) fn scored_tokens(
    tokenizer: &Tokenizer,
    ids: &[u32],
    logprobs: &[f32],
    alternatives: &[Vec<TokenLogprob>],
) -> Result<Vec<ScoredToken>, TextError> {
    let scored = |token: TokenLogprob| {
        let text = tokenizer.decode(&[token.id], true)?;
        Ok(Scored { token: token.id, text, logprob: token.logprob })
    };
    let token = |(place, (id, logprob)): (usize, (&u32, &f32))| {
        let top = alternatives.get(place).into_iter().flatten();
        let top = top.map(|other| scored(*other)).collect::<Result<_, TextError>>()?;
        Ok(ScoredToken { token: scored(TokenLogprob { id: *id, logprob: *logprob })?, top })
    };
    ids.iter().zip(logprobs).enumerate().map(token).collect()
}
