//! Decoding: the prompt in one pass, then one pass per token.

use af2_core::generation::{FinishReason, Generation, MOST_POSITIONS};
use af2_core::sampling::{SamplingParams, next_token};
use burn_tensor::Tensor;

use crate::kv_cache::KvCache;
use crate::taps::Taps;
use crate::{Clip, ReferenceError};

/// How an answer is generated.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerateOptions {
    /// How tokens are chosen.
    pub sampling: SamplingParams,
    /// Most tokens of the answer.
    pub max_new_tokens: usize,
    /// Keep the logits that chose each token.
    pub keep_logits: bool,
    /// Go on after the end token.
    pub ignore_end: bool,
}

impl Default for GenerateOptions {
    /// Greedy, at most 256 tokens.
    fn default() -> Self {
        Self { sampling: SamplingParams::greedy(), max_new_tokens: 256, keep_logits: false, ignore_end: false }
    }
}

impl Clip {
    /// Generates an answer to a prompt. `on_token` gets every new token and stops generation by returning false.
    ///
    /// # Errors
    /// The prompt is empty, too long beside the answer or not of this vocabulary, or a setting is out of range.
    pub fn generate(
        &self,
        prompt: &[u32],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation, ReferenceError> {
        options.sampling.validate()?;
        self.check_prompt(prompt, options.max_new_tokens)?;
        let end_of_text = self.model.config().tokens.end_of_text;
        let mut generation = Generation { ids: Vec::new(), finish: FinishReason::Length, logits: Vec::new() };
        let (mut cache, mut history) = (self.model.0.decoder.cache(), prompt.to_vec());
        while generation.ids.len() < options.max_new_tokens {
            let mut logits = self.next_logits(&history[cache.length..], &mut cache)?;
            if options.keep_logits {
                generation.logits.push(logits.clone());
            }
            let draws = generation.ids.len() as u32;
            let id = next_token(&mut logits, &history, &options.sampling, draws)?;
            generation.ids.push(id);
            history.push(id);
            if !on_token(id) {
                generation.finish = FinishReason::Stopped;
                break;
            }
            if id == end_of_text && !options.ignore_end {
                generation.finish = FinishReason::EndOfText;
                break;
            }
        }
        Ok(generation)
    }

    /// Logits, \[V\], after tokens that follow those of the cache.
    pub(crate) fn next_logits(&self, tokens: &[u32], cache: &mut KvCache) -> Result<Vec<f32>, ReferenceError> {
        let decoder = &self.model.0.decoder;
        let x = decoder.forward(tokens, &self.memory, cache, &mut Taps::default());
        let last: Tensor<2> = x.narrow(0, tokens.len() - 1, 1);
        let logits = decoder.logits(last, &mut Taps::default()).try_into_data();
        let logits = logits.map_err(|error| ReferenceError::Backend(error.to_string()))?;
        Ok(logits.iter().collect())
    }

    /// Checks that a prompt fits and consists of known tokens.
    pub(crate) fn check_prompt(&self, prompt: &[u32], max_new_tokens: usize) -> Result<(), ReferenceError> {
        let allowed = MOST_POSITIONS.saturating_sub(max_new_tokens);
        if prompt.is_empty() || prompt.len() > allowed {
            return Err(ReferenceError::PromptLength { found: prompt.len(), allowed });
        }
        let vocabulary = self.model.config().text.vocab_size;
        match prompt.iter().find(|token| **token as usize >= vocabulary) {
            Some(&token) => Err(ReferenceError::UnknownToken { token, vocabulary }),
            None => Ok(()),
        }
    }
}
