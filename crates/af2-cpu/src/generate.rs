//! Decoding: the prompt in one pass, then one pass per token.

use std::slice;

use af2_core::engine::{
    AudioView, Constraint, EngineError, GenerateOptions, Generation, Query, TokenRules, check_logits, check_request,
    check_together, log_softmax_at, top_logprobs,
};
use af2_core::sampling::next_token;
use burn_tensor::Tensor;

use crate::audio_kv::AudioKv;
use crate::kv_cache::KvCache;
use crate::steps::{MOST_ROWS, Sequence};
use crate::taps::Taps;
use crate::{Clip, CpuError};

/// An answer being generated, a token per step: a caller that must see to other things does so between two of them.
pub struct Decoding<'a> {
    clip: &'a Clip,
    /// What the sequence attends to.
    audio_kv: Vec<Option<AudioKv>>,
    options: GenerateOptions,
    constraint: Option<Constraint<'a>>,
    cache: KvCache,
    /// Prompt and answer so far.
    history: Vec<u32>,
    generation: Generation,
}

impl<'a> Decoding<'a> {
    /// The same with rules that its tokens must obey.
    pub fn obeying(self, rules: &'a mut dyn TokenRules) -> Self {
        let vocabulary = self.clip.model.config().text.vocab_size;
        Self { constraint: Some(Constraint::new(rules, vocabulary)), ..self }
    }

    /// The next token; `None` once the answer has ended.
    ///
    /// # Errors
    /// [`EngineError::NotFinite`], [`EngineError::NothingAllowed`], or the tensor library failed.
    pub async fn step(&mut self) -> Result<Option<u32>, CpuError> {
        if self.generation.has_ended(&self.options, self.clip.model.config().tokens.end_of_text) {
            return Ok(None);
        }
        let known = &self.history[self.cache.length..];
        let logits = self.clip.next_logits(known, &self.audio_kv, &mut self.cache).await?;
        let position = self.generation.ids.len() as u32;
        let (history, sampling) = (&self.history, &self.options.sampling);
        let id = match &mut self.constraint {
            Some(constraint) => constraint.next_token(&logits, history, sampling, position)?,
            None => next_token(&mut logits.clone(), history, sampling, position)?,
        };
        self.generation.ids.push(id);
        self.generation.logprobs.push(log_softmax_at(&logits, id));
        if self.options.top_logprobs > 0 {
            self.generation.alternatives.push(top_logprobs(&logits, self.options.top_logprobs));
        }
        if self.options.keep_logits {
            self.generation.logits.push(logits);
        }
        self.history.push(id);
        Ok(Some(id))
    }

    async fn run(mut self, on_token: &mut dyn FnMut(u32) -> bool) -> Result<Generation, CpuError> {
        while let Some(id) = self.step().await? {
            if !on_token(id) {
                break;
            }
        }
        Ok(self.finish())
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
        let query = Query { prompt: prompt.to_vec(), view: AudioView::whole(self.windows()) };
        self.start_query(&query, options)
    }

    /// Starts an answer to a query, which may hear a part of the audio; no token has been computed yet.
    ///
    /// # Errors
    /// As [`check_request`] and [`AudioView::check`].
    pub fn start_query(&self, query: &Query, options: &GenerateOptions) -> Result<Decoding<'_>, CpuError> {
        check_request(self.model.config(), &query.prompt, options)?;
        query.view.check(self.windows())?;
        Ok(Decoding {
            clip: self,
            audio_kv: self.seen(&query.view),
            options: options.clone(),
            constraint: None,
            cache: self.model.0.decoder.cache(),
            history: query.prompt.clone(),
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
        self.start_decoding(prompt, options)?.run(on_token).await
    }

    /// As [`Clip::generate`], of tokens that obey `rules`.
    ///
    /// # Errors
    /// As [`Clip::generate`].
    pub async fn generate_with(
        &self,
        prompt: &[u32],
        options: &GenerateOptions,
        rules: &mut dyn TokenRules,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation, CpuError> {
        self.start_decoding(prompt, options)?.obeying(rules).run(on_token).await
    }

    /// Answers to several queries, one after the other. `progress` is told how many of how many answers have ended, and stops the work
    /// by returning false.
    ///
    /// # Errors
    /// As [`Clip::start_query`] and [`Decoding::step`], or [`EngineError::Cancelled`].
    pub async fn generate_many(
        &self,
        queries: &[Query],
        options: &GenerateOptions,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Vec<Generation>, CpuError> {
        check_together(self.model.config(), queries, options, self.windows())?;
        let mut generations = Vec::with_capacity(queries.len());
        for query in queries {
            let mut decoding = self.start_query(query, options)?;
            while decoding.step().await?.is_some() {}
            generations.push(decoding.finish());
            if !progress(generations.len(), queries.len()) {
                return Err(EngineError::Cancelled.into());
            }
        }
        Ok(generations)
    }

    /// Logits, \[V\], after tokens that follow those of the cache.
    pub(crate) async fn next_logits(
        &self,
        tokens: &[u32],
        audio_kv: &[Option<AudioKv>],
        cache: &mut KvCache,
    ) -> Result<Vec<f32>, CpuError> {
        self.last_logits(tokens, audio_kv, cache, 1).await
    }

    /// Logits, [last, V], of the last tokens of some that follow those of the cache.
    pub(crate) async fn last_logits(
        &self,
        tokens: &[u32],
        audio_kv: &[Option<AudioKv>],
        cache: &mut KvCache,
        last: usize,
    ) -> Result<Vec<f32>, CpuError> {
        let decoder = &self.model.0.decoder;
        let logits = match &decoder.steps {
            Some(steps) if tokens.len() <= MOST_ROWS => steps.logits(&mut [Sequence { tokens, audio_kv, cache }], last),
            _ => {
                let x = decoder.forward(tokens, audio_kv, cache, &mut Taps::default());
                let x: Tensor<2> = x.narrow(0, tokens.len() - last, last);
                let logits = decoder.logits(x, &mut Taps::default()).into_data_async().await;
                logits.map_err(|error| CpuError::Backend(error.to_string()))?.iter().collect()
            }
        };
        check_logits(&logits)?;
        Ok(logits)
    }

    /// Logits, \[V\] each, of sequences that hear all of the audio and go on with a token each: up to [`MOST_ROWS`] of them in a pass.
    pub(crate) async fn next_logits_each(
        &self,
        tokens: &[u32],
        caches: &mut [KvCache],
    ) -> Result<Vec<Vec<f32>>, CpuError> {
        let mut rows = Vec::with_capacity(tokens.len());
        let Some(steps) = &self.model.0.decoder.steps else {
            for (token, cache) in tokens.iter().zip(caches) {
                rows.push(self.next_logits(&[*token], &self.audio_kv, cache).await?);
            }
            return Ok(rows);
        };
        for (tokens, caches) in tokens.chunks(MOST_ROWS).zip(caches.chunks_mut(MOST_ROWS)) {
            let sequence =
                |(token, cache)| Sequence { tokens: slice::from_ref(token), audio_kv: &self.audio_kv, cache };
            let mut sequences: Vec<Sequence<'_>> = tokens.iter().zip(caches).map(sequence).collect();
            let logits = steps.logits(&mut sequences, 1);
            check_logits(&logits)?;
            rows.extend(logits.chunks(logits.len() / tokens.len()).map(<[f32]>::to_vec));
        }
        Ok(rows)
    }
}
