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

/// An answer on its way, a token per step: a caller that must see to other things does so between two of them.
pub struct Answering<'a> {
    clip: &'a Clip,
    options: GenerateOptions,
    cache: KvCache,
    /// Prompt and answer so far.
    history: Vec<u32>,
    generation: Generation,
}

impl Answering<'_> {
    /// The next token; none once the answer has ended.
    ///
    /// # Errors
    /// The logits have no finite value, or the tensor library failed.
    pub async fn step(&mut self) -> Result<Option<u32>, ReferenceError> {
        if let Some(finish) = self.ended() {
            self.generation.finish = finish;
            return Ok(None);
        }
        let mut logits = self.clip.next_logits(&self.history[self.cache.length..], &mut self.cache).await?;
        if self.options.keep_logits {
            self.generation.logits.push(logits.clone());
        }
        let draws = self.generation.ids.len() as u32;
        let id = next_token(&mut logits, &self.history, &self.options.sampling, draws)?;
        self.generation.ids.push(id);
        self.history.push(id);
        Ok(Some(id))
    }

    /// The answer so far, which counts as stopped unless a step said that it had ended.
    pub fn finish(self) -> Generation {
        self.generation
    }

    fn ended(&self) -> Option<FinishReason> {
        let ids = &self.generation.ids;
        let end = self.clip.model.config().tokens.end_of_text;
        if ids.last() == Some(&end) && !self.options.ignore_end {
            return Some(FinishReason::EndOfText);
        }
        (ids.len() >= self.options.max_new_tokens).then_some(FinishReason::Length)
    }
}

impl Clip {
    /// Starts an answer to a prompt; no token has been computed yet.
    ///
    /// # Errors
    /// The prompt is empty, too long beside the answer or not of this vocabulary, or a setting is out of range.
    pub fn answer(&self, prompt: &[u32], options: &GenerateOptions) -> Result<Answering<'_>, ReferenceError> {
        options.sampling.validate()?;
        self.check_prompt(prompt, options.max_new_tokens)?;
        Ok(Answering {
            clip: self,
            options: options.clone(),
            cache: self.model.0.decoder.cache(),
            history: prompt.to_vec(),
            generation: Generation { ids: Vec::new(), finish: FinishReason::Stopped, logits: Vec::new() },
        })
    }

    /// Generates an answer to a prompt. `on_token` gets every new token and stops generation by returning false.
    ///
    /// # Errors
    /// As [`Clip::answer`] and [`Answering::step`].
    pub async fn generate(
        &self,
        prompt: &[u32],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation, ReferenceError> {
        let mut answer = self.answer(prompt, options)?;
        while let Some(id) = answer.step().await? {
            if !on_token(id) {
                break;
            }
        }
        Ok(answer.finish())
    }

    /// Logits, \[V\], after tokens that follow those of the cache.
    pub(crate) async fn next_logits(&self, tokens: &[u32], cache: &mut KvCache) -> Result<Vec<f32>, ReferenceError> {
        let decoder = &self.model.0.decoder;
        let x = decoder.forward(tokens, &self.memory, cache, &mut Taps::default());
        let last: Tensor<2> = x.narrow(0, tokens.len() - 1, 1);
        let logits = decoder.logits(last, &mut Taps::default()).into_data_async().await;
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
