//! Decoding: the prompt in one pass, then one pass per token.

use af2_core::engine::{GenerateOptions, Generation, check_logits, check_request};
use af2_core::sampling::next_token;
use burn_tensor::Tensor;

use crate::kv_cache::KvCache;
use crate::taps::Taps;
use crate::{Clip, CpuError};

/// An answer being generated, a token per step: a caller that must see to other things does so between two of them.
pub struct Decoding<'a> {
    clip: &'a Clip,
    options: GenerateOptions,
    cache: KvCache,
    /// Prompt and answer so far.
    history: Vec<u32>,
    generation: Generation,
}

impl Decoding<'_> {
    /// The next token; `None` once the answer has ended.
    ///
    /// # Errors
    /// [`af2_core::engine::EngineError::NotFinite`], or the tensor library failed.
    pub async fn step(&mut self) -> Result<Option<u32>, CpuError> {
        if self.generation.has_ended(&self.options, self.clip.model.config().tokens.end_of_text) {
            return Ok(None);
        }
        let mut logits = self.clip.next_logits(&self.history[self.cache.length..], &mut self.cache).await?;
        if self.options.keep_logits {
            self.generation.logits.push(logits.clone());
        }
        let position = self.generation.ids.len() as u32;
        let id = next_token(&mut logits, &self.history, &self.options.sampling, position)?;
        self.generation.ids.push(id);
        self.history.push(id);
        Ok(Some(id))
    }

    /// The answer so far, which counts as cancelled unless a step said that it had ended.
    pub fn finish(self) -> Generation {
        self.generation
    }
}

impl Clip {
    /// Starts an answer to a prompt; no token has been computed yet.
    ///
    /// # Errors
    /// As [`check_request`].
    pub fn start_decoding(&self, prompt: &[u32], options: &GenerateOptions) -> Result<Decoding<'_>, CpuError> {
        check_request(self.model.config(), prompt, options)?;
        Ok(Decoding {
            clip: self,
            options: options.clone(),
            cache: self.model.0.decoder.cache(),
            history: prompt.to_vec(),
            generation: Generation::new(),
        })
    }

    /// Generates an answer to a prompt. `on_token` gets every new token and stops generation by returning false.
    ///
    /// # Errors
    /// As [`Clip::start_decoding`] and [`Decoding::step`].
    pub async fn generate(
        &self,
        prompt: &[u32],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation, CpuError> {
        let mut decoding = self.start_decoding(prompt, options)?;
        while let Some(id) = decoding.step().await? {
            if !on_token(id) {
                break;
            }
        }
        Ok(decoding.finish())
    }

    /// Logits, \[V\], after tokens that follow those of the cache.
    pub(crate) async fn next_logits(&self, tokens: &[u32], cache: &mut KvCache) -> Result<Vec<f32>, CpuError> {
        let decoder = &self.model.0.decoder;
        let x = decoder.forward(tokens, &self.audio_kv, cache, &mut Taps::default());
        let last: Tensor<2> = x.narrow(0, tokens.len() - 1, 1);
        let logits = decoder.logits(last, &mut Taps::default()).into_data_async().await;
        let logits = logits.map_err(|error| CpuError::Backend(error.to_string()))?;
        let logits: Vec<f32> = logits.iter().collect();
        check_logits(&logits)?;
        Ok(logits)
    }
}
