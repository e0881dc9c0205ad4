//! How an answer is generated, and what comes out as token ids.

use super::TokenLogprob;
use crate::sampling::SamplingParams;
use crate::text::prompt::NEW_TOKEN_LIMIT;

/// How an answer is generated.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerateOptions {
    /// How each token is chosen from the logits.
    pub sampling: SamplingParams,
    /// Most tokens of the answer.
    pub max_new_tokens: usize,
    /// Steps that a GPU engine submits before it reads the first id back, at least 1: more hide slow readback, fewer waste less
    /// work after the end token. From 2 on the engine goes up to 4 where the GPU runs out of work meanwhile. The CPU engine has none in
    /// flight.
    pub lookahead: usize,
    /// Most likely tokens to return beside each token of the answer, at most [`super::MOST_TOP_LOGPROBS`].
    pub top_logprobs: usize,
    /// Return the logits of every step.
    pub keep_logits: bool,
    /// Go on after the end token.
    pub ignore_end: bool,
}

impl Default for GenerateOptions {
    /// Greedy, at most 256 tokens.
    fn default() -> Self {
        Self {
            sampling: SamplingParams::greedy(),
            max_new_tokens: NEW_TOKEN_LIMIT,
            lookahead: 2,
            top_logprobs: 0,
            keep_logits: false,
            ignore_end: false,
        }
    }
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The end token or a stop string came.
    Stop,
    /// The token limit was reached.
    Length,
    /// The caller stopped it.
    Cancelled,
}

impl FinishReason {
    /// The name in JSON output and in JavaScript.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Cancelled => "cancelled",
        }
    }
}

/// An answer as token ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Generation {
    /// New tokens, the end token included.
    pub ids: Vec<u32>,
    /// Log-probability of each of `ids`: log softmax of its logits, without temperature or penalty.
    pub logprobs: Vec<f32>,
    /// The most likely tokens at the place of each of `ids`, if [`GenerateOptions::top_logprobs`] asked for them.
    pub alternatives: Vec<Vec<TokenLogprob>>,
    /// Why it ended; [`FinishReason::Cancelled`] until it has.
    pub finish: FinishReason,
    /// Logits that each token was chosen from, \[V\] each, if [`GenerateOptions::keep_logits`] asked for them.
    pub logits: Vec<Vec<f32>>,
}

impl Generation {
    /// An answer without tokens.
    pub fn new() -> Self {
        Self {
            ids: Vec::new(),
            logprobs: Vec::new(),
            alternatives: Vec::new(),
            finish: FinishReason::Cancelled,
            logits: Vec::new(),
        }
    }

    /// Whether no token follows; sets [`Generation::finish`] then. The end token counts before the limit.
    pub fn has_ended(&mut self, options: &GenerateOptions, end_of_text: u32) -> bool {
        if self.ids.last() == Some(&end_of_text) && !options.ignore_end {
            self.finish = FinishReason::Stop;
        } else if self.ids.len() >= options.max_new_tokens {
            self.finish = FinishReason::Length;
        } else {
            return false;
        }
        true
    }
}

impl Default for Generation {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_with_the_end_token_or_at_the_limit() {
        let options = GenerateOptions { max_new_tokens: 2, ..GenerateOptions::default() };
        let past_end = GenerateOptions { ignore_end: true, ..options.clone() };
        let finish = |ids: &[u32], options| {
            let mut generation = Generation { ids: ids.to_vec(), ..Generation::new() };
            generation.has_ended(options, 7).then_some(generation.finish)
        };
        assert_eq!(finish(&[], &options), None);
        assert_eq!(finish(&[1], &options), None);
        assert_eq!(finish(&[7], &options), Some(FinishReason::Stop));
        assert_eq!(finish(&[7], &past_end), None);
        assert_eq!(finish(&[1, 7], &options), Some(FinishReason::Stop));
        assert_eq!(finish(&[1, 7], &past_end), Some(FinishReason::Length));
        assert_eq!(Generation::new().finish.as_str(), "cancelled");
    }
}
