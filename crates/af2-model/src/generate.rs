//! Decoding: the prompt in passes of 64 tokens, then one submit per token. The chosen token stays on the GPU and feeds the next step;
//! the host reads ids a few steps behind.

use std::collections::VecDeque;

use af2_core::engine::{EngineError, GenerateOptions, Generation, Stage, TokenLogprob, check_request};
use af2_core::sampling::SamplingParams;
use af2_gpu::ops::Step;
use af2_gpu::ops::sample::Sampling;
use af2_gpu::ops::top_logprobs::TOP_ENTRY_BYTES;
use af2_gpu::{Buffer, Fetch, Gpu, Mapping, Plan};

use crate::clip::ClipPlans;
use crate::lookahead::Lookahead;
use crate::scratch::{PROMPT_ROWS, Scratch};
use crate::{Clip, ModelError};

impl Clip {
    /// Generates an answer to a prompt. `on_token` gets every new token and stops generation by returning false.
    ///
    /// # Errors
    /// As [`check_request`], [`EngineError::NotFinite`], [`ModelError::Busy`], or the device failed.
    pub async fn generate(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation, ModelError> {
        let mut generation = Generation::new();
        self.resume(prompt, options, &mut generation, on_token).await?;
        Ok(generation)
    }

    /// Goes on with the answer that `generation` holds the beginning of: one prefill of prompt and answer so far, then token by token.
    /// Random numbers depend on seed and position only, so that a sampled answer goes on as it would have without the interruption.
    /// After an error `generation` holds the tokens that `on_token` got.
    ///
    /// # Errors
    /// As [`Clip::generate`].
    pub async fn resume(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        generation: &mut Generation,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<(), ModelError> {
        let model = self.model.clone();
        let positions = check_request(model.config(), prompt, options)?;
        let _busy = model.reserve()?;
        let known = [prompt, &generation.ids].concat();
        let passes = passes(known.len());
        self.prepare(positions, 1, &passes).await?;
        let Some(plans) = &self.plans else { return Err(not_finite()) };
        let wanted = (options.top_logprobs > 0).then_some(options.top_logprobs);
        let make = self.decoder_plans(&plans.scratch);
        let top = wanted.map(|count| make.top_logprobs(count)).transpose()?;
        let last_pass = passes.last().copied().unwrap_or(1);
        let sample = match samples(&options.sampling) {
            // Compiled when first wanted: most answers are greedy, and its kernel is among the slowest to compile.
            true => Some(model.gpu().scoped("sampling", || Ok([make.sample(last_pass)?, make.sample(1)?])).await?),
            false => None,
        };
        let extra = Extra { top: top.as_ref(), sample: sample.as_ref() };
        let mut decoding = Decoding::start(model.gpu(), plans, extra, &known, prompt.len(), options)?;
        let result = decoding.run(&passes, model.config().tokens.end_of_text, generation, on_token).await;
        // Readbacks in flight use the staging buffers and the sequence: let them end before anything is reused.
        decoding.drain().await;
        result
    }
}

/// Rows of each pass over a prompt.
pub(crate) fn passes(length: usize) -> Vec<usize> {
    (0..length).step_by(PROMPT_ROWS).map(|first| PROMPT_ROWS.min(length - first)).collect()
}

/// Puts tokens, of which the first `prompt_length` are the prompt, in slot 0 and resets the step.
pub(crate) fn write_prompt(gpu: &Gpu, scratch: &Scratch, tokens: &[u32], prompt_length: usize, seed: u64) {
    gpu.write(&scratch.sequence, 0, bytemuck::cast_slice(tokens));
    let step = Step {
        position: 0,
        slot_base: 0,
        length: scratch.capacity as u32,
        seed_lo: seed as u32,
        seed_hi: (seed >> 32) as u32,
        prompt_length: prompt_length as u32,
        ..Step::default()
    };
    gpu.write(&scratch.step, 0, bytemuck::bytes_of(&step));
}

/// Moves the step to a position.
pub(crate) fn write_position(gpu: &Gpu, scratch: &Scratch, position: usize) {
    gpu.write(&scratch.step, 0, bytemuck::bytes_of(&(position as u32)));
}

/// Bytes of a token's id and log-probability.
const CHOSEN_BYTES: u64 = 8;

/// A token as it was read back.
struct Chosen {
    id: u32,
    logprob: f32,
    top: Vec<TokenLogprob>,
}

/// Plans that only some answers need.
#[derive(Clone, Copy)]
struct Extra<'a> {
    /// Ranks the most likely tokens.
    top: Option<&'a Plan>,
    /// Samples instead of taking the argmax: after the last pass over the prompt, and after one token.
    sample: Option<&'a [Plan; 2]>,
}

/// Whether tokens are drawn. Greedy with a repetition penalty draws among the single most likely token.
fn samples(params: &SamplingParams) -> bool {
    !params.is_greedy() || params.repetition_penalty != 1.0
}

/// One answer being generated.
struct Decoding<'a> {
    gpu: &'a Gpu,
    plans: &'a ClipPlans,
    extra: Extra<'a>,
    options: &'a GenerateOptions,
    prompt_length: usize,
    /// Tokens of the answer that the first submit takes as given.
    given: usize,
    /// A token's record each, used in turn: id, log-probability, then the most likely tokens with theirs.
    /// One per step that may be in flight.
    staging: Vec<Buffer>,
    lookahead: Lookahead,
    record_bytes: u64,
    in_flight: VecDeque<Mapping>,
    /// Tokens of the answer that are given or submitted.
    submitted: usize,
}

impl<'a> Decoding<'a> {
    fn start(
        gpu: &'a Gpu,
        plans: &'a ClipPlans,
        extra: Extra<'a>,
        known: &[u32],
        prompt_length: usize,
        options: &'a GenerateOptions,
    ) -> Result<Self, ModelError> {
        let scratch = &*plans.scratch;
        write_prompt(gpu, scratch, known, prompt_length, options.sampling.seed);
        if extra.sample.is_some() {
            write_sampling(gpu, scratch, &options.sampling, known);
        }
        // The logits of a step are read before the next one overwrites them.
        let lookahead = if options.keep_logits { Lookahead::none() } else { Lookahead::new(options.lookahead) };
        let record_bytes = CHOSEN_BYTES + TOP_ENTRY_BYTES * options.top_logprobs as u64;
        let staging = (0..lookahead.most()).map(|_| gpu.staging(record_bytes)).collect::<Result<_, _>>()?;
        let (given, in_flight) = (known.len() - prompt_length, VecDeque::new());
        Ok(Self {
            gpu,
            plans,
            extra,
            options,
            prompt_length,
            given,
            staging,
            lookahead,
            record_bytes,
            in_flight,
            submitted: given,
        })
    }

    async fn run(
        &mut self,
        passes: &[usize],
        end_of_text: u32,
        generation: &mut Generation,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<(), ModelError> {
        while !generation.has_ended(self.options, end_of_text) {
            while self.submitted < self.options.max_new_tokens && self.in_flight.len() < self.lookahead.steps() {
                self.submit(passes);
            }
            if self.options.keep_logits {
                generation.logits.truncate(generation.ids.len()); // those of a token that was lost
                generation.logits.push(self.plans.scratch.read_logits(self.gpu).await?);
            }
            let Chosen { id, logprob, top } = self.next().await?;
            self.lookahead.observe(self.in_flight.iter_mut());
            generation.ids.push(id);
            generation.logprobs.push(logprob);
            if self.extra.top.is_some() {
                generation.alternatives.push(top);
            }
            if !on_token(id) {
                break;
            }
        }
        Ok(())
    }

    /// Submits the next step and asks for its token.
    fn submit(&mut self, passes: &[usize]) {
        let mut plans = if self.submitted == self.given {
            self.submit_all_but_last(passes)
        } else {
            let next = self.extra.sample.map_or(&self.plans.token_argmax, |[_, next]| next);
            vec![&self.plans.token, &self.plans.token_head, next]
        };
        plans.extend(self.extra.top); // reads the logits, which the next step overwrites
        let scratch = &*self.plans.scratch;
        let offset = 4 * (self.prompt_length + self.submitted) as u64;
        let staging = &self.staging[self.submitted % self.staging.len()];
        let top = Fetch { from: &scratch.top, offset: 0, bytes: self.record_bytes - CHOSEN_BYTES };
        let ranges = [
            Fetch { from: &scratch.sequence, offset, bytes: 4 },
            Fetch { from: &scratch.logprobs, offset, bytes: 4 },
            top,
        ];
        self.gpu.run_then_fetch(&plans, &ranges[..if self.extra.top.is_some() { 3 } else { 2 }], staging);
        self.in_flight.push_back(self.gpu.map(staging, self.record_bytes));
        self.submitted += 1;
    }

    /// Runs the passes over prompt and given answer, and returns the plans of the last one.
    fn submit_all_but_last(&self, passes: &[usize]) -> Vec<&'a Plan> {
        let mut position = 0;
        let mut last = Vec::new();
        for rows in passes {
            write_position(self.gpu, &self.plans.scratch, position);
            position += rows;
            let Some(pass) = self.plans.prompts.get(rows) else { continue };
            if position < self.prompt_length + self.given {
                self.gpu.run(&[&pass.layers]);
            } else {
                let first = self.extra.sample.map_or(&pass.argmax, |[first, _]| first);
                last = vec![&pass.layers, &pass.head, first];
            }
        }
        last
    }

    async fn next(&mut self) -> Result<Chosen, ModelError> {
        let Some(mapping) = self.in_flight.pop_front() else {
            return Err(not_finite());
        };
        let record: Vec<[u32; 2]> = bytemuck::pod_collect_to_vec(&mapping.bytes().await?);
        let mut tokens = record.iter().map(|[id, logprob]| TokenLogprob { id: *id, logprob: f32::from_bits(*logprob) });
        // The kernels write this id where a logit is not finite.
        let Some(TokenLogprob { id, logprob }) = tokens.next().filter(|token| token.id != u32::MAX) else {
            return Err(not_finite());
        };
        Ok(Chosen { id, logprob, top: tokens.collect() })
    }

    async fn drain(&mut self) {
        while let Some(mapping) = self.in_flight.pop_front() {
            // A failure of the device is reported by whoever needs the result.
            drop(mapping.bytes().await);
        }
    }
}

pub(crate) fn not_finite() -> ModelError {
    EngineError::NotFinite { stage: Stage::Logits }.into()
}

fn write_sampling(gpu: &Gpu, scratch: &Scratch, params: &SamplingParams, known: &[u32]) {
    let (temperature, top_k) = if params.is_greedy() { (1.0, 1) } else { (params.temperature, params.top_k) };
    let settings = Sampling {
        temperature: temperature as f32,
        top_p: params.top_p as f32,
        min_p: params.min_p as f32,
        repetition_penalty: params.repetition_penalty as f32,
        top_k: u32::try_from(top_k).unwrap_or(u32::MAX),
        padding: [0; 3],
    };
    gpu.write(&scratch.sampling, 0, bytemuck::bytes_of(&settings));
    let mut seen = vec![0_u32; (scratch.seen.bytes() / 4) as usize];
    for id in known {
        if let Some(word) = seen.get_mut(*id as usize / 32) {
            *word |= 1 << (id % 32);
        }
    }
    gpu.write(&scratch.seen, 0, bytemuck::cast_slice(&seen));
}
