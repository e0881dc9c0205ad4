//! Encoded audio: its keys and values for every cross-attention block, ready for any number of questions.
//!
//! T = 64 tokens per window. In the 3B model, keys and values of a window take 36 layers × 64 × 1024 float16 values, 4.7 MB.

use std::collections::BTreeMap;
use std::sync::Arc;

use af2_core::audio::Windows;
use af2_core::engine::{EngineError, Stage, TOKENS_PER_WINDOW, check_tokens, check_windows};
use af2_core::weights::Scheme;
use af2_gpu::ops::Epilogue;
use af2_gpu::ops::check_finite::check_finite;
use af2_gpu::ops::matmul::{Matmul, matmul};
use af2_gpu::ops::pack_f16::pack_f16;
use af2_gpu::ops::rope::rotary_table;
use af2_gpu::{Buffer, GpuError, Plan, PlanBuilder, PlanInfo, Span, Taps};

use crate::audio_transformer::{AudioTransformerInput, audio_transformer};
use crate::cross_attention::stored_as;
use crate::decoder::DecoderPlans;
use crate::encoder::EncoderPlan;
use crate::scratch::Scratch;
use crate::{Model, ModelError};

/// Windows that a hardware GPU encodes in one submit; a software one gains nothing from more than one.
const WINDOWS_PER_SUBMIT: usize = 4;

/// Audio that a model has encoded.
pub struct Clip {
    pub(crate) model: Model,
    /// Keys and values, [T, 2 · width], of the layers that have a block; in float16 or float32, see [`stored_as`].
    pub(crate) audio_kv: Vec<Option<Buffer>>,
    pub(crate) audio_tokens: usize,
    windows: usize,
    pub(crate) plans: Option<ClipPlans>,
}

/// From the encoder's tokens to what the cross-attention blocks read.
pub(crate) struct AudioKvPlan {
    pub plan: Plan,
    /// As in [`Clip`].
    pub audio_kv: Vec<Option<Buffer>>,
    /// 1 once a run gave a key or value that is not finite.
    pub flag: Buffer,
}

/// The decoder's plans for this clip and one scratch.
pub(crate) struct ClipPlans {
    pub scratch: Arc<Scratch>,
    pub token: Plan,
    pub token_head: Plan,
    pub token_argmax: Plan,
    /// Plans of prompts by number of rows.
    pub prompts: BTreeMap<usize, PromptPlans>,
}

/// Plans for the last rows of a prompt.
pub(crate) struct PromptPlans {
    pub layers: Plan,
    pub head: Plan,
    pub argmax: Plan,
}

impl Model {
    /// Encodes audio. `progress` is told how many of how many windows are done, and stops the work by returning false.
    ///
    /// # Errors
    /// As [`check_windows`], [`EngineError::Cancelled`], [`EngineError::NotFinite`], or the device failed.
    pub async fn listen(
        &self,
        windows: &Windows,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Clip, ModelError> {
        check_windows(self.config(), windows)?;
        let encoder = self.gpu().scoped("the encoder", || self.encoder_plan(self.batch(windows.count), None)).await?;
        let tokens = self.encode(&encoder, windows, progress).await?;
        drop(encoder);
        self.clip_of(&tokens, windows.count, false).await
    }

    /// The encoder's tokens, [64 · windows, D], row-major. `progress` as in [`Model::listen`].
    ///
    /// # Errors
    /// As [`Model::listen`].
    pub async fn encode_tokens(
        &self,
        windows: &Windows,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Vec<f32>, ModelError> {
        check_windows(self.config(), windows)?;
        let encoder = self.gpu().scoped("the encoder", || self.encoder_plan(self.batch(windows.count), None)).await?;
        let tokens = self.encode(&encoder, windows, progress).await?;
        Ok(self.gpu().read_all(&tokens).await?)
    }

    /// A clip of encoder tokens, [64 · windows, D], as [`Model::encode_tokens`] gave them: one sound, or, with `apart`, every window a sound
    /// of its own that knows nothing of the others.
    ///
    /// # Errors
    /// As [`check_tokens`], [`EngineError::NotFinite`], or the device failed.
    pub async fn hear(&self, tokens: &[f32], apart: bool) -> Result<Clip, ModelError> {
        let windows = check_tokens(self.config(), tokens)?;
        if !tokens.iter().all(|value| value.is_finite()) {
            return Err(EngineError::NotFinite { stage: Stage::EncoderTokens }.into());
        }
        let tokens = self.gpu().storage_with("audio tokens", tokens)?;
        self.clip_of(&tokens, windows, apart).await
    }

    /// From encoder tokens on the device, [T, D].
    async fn clip_of(&self, tokens: &Buffer, windows: usize, apart: bool) -> Result<Clip, ModelError> {
        let frequencies = self.audio_frequencies().await?;
        let sounds = if apart { windows } else { 1 };
        let make = || self.audio_kv_plan(tokens, &frequencies, windows, sounds, None);
        let AudioKvPlan { plan, audio_kv, flag } = self.gpu().scoped("the audio's keys and values", make).await?;
        self.gpu().run(&[&plan]);
        self.finished(&flag, Stage::AudioKv).await?;
        Ok(self.clip(audio_kv, windows))
    }

    /// Windows that are encoded in one submit, of `count` there are.
    pub(crate) fn batch(&self, count: usize) -> usize {
        if self.gpu().info().software { 1 } else { count.min(WINDOWS_PER_SUBMIT) }
    }

    pub(crate) fn clip(&self, audio_kv: Vec<Option<Buffer>>, windows: usize) -> Clip {
        Clip { model: self.clone(), audio_kv, audio_tokens: windows * TOKENS_PER_WINDOW, windows, plans: None }
    }

    pub(crate) fn encoder_plan(&self, windows: usize, taps: Option<&Taps>) -> Result<EncoderPlan, GpuError> {
        let inner = &*self.0;
        EncoderPlan::new(&inner.gpu, &inner.config, &inner.frontend, &inner.weights.encoder, windows, taps)
    }

    /// Tokens of all windows, [T, D].
    pub(crate) async fn encode(
        &self,
        encoder: &EncoderPlan,
        windows: &Windows,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Buffer, ModelError> {
        let gpu = self.gpu();
        let window_bytes = (4 * TOKENS_PER_WINDOW * self.0.config.audio_transformer.d_model) as u64;
        let tokens = gpu.storage("audio tokens", windows.count as u64 * window_bytes)?;
        for first in (0..windows.count).step_by(encoder.windows) {
            if !progress(first, windows.count) {
                return Err(EngineError::Cancelled.into());
            }
            let count = encoder.windows.min(windows.count - first);
            for index in 0..count {
                let samples = windows.window_samples_f32(first + index);
                gpu.write(&encoder.audio, (4 * index * samples.len()) as u64, bytemuck::cast_slice(&samples));
            }
            gpu.run_then_copy(
                &encoder.plan,
                &encoder.tokens,
                &tokens,
                first as u64 * window_bytes,
                count as u64 * window_bytes,
            );
            self.finished(&encoder.flag, Stage::EncoderTokens).await?;
        }
        if !progress(windows.count, windows.count) {
            return Err(EngineError::Cancelled.into());
        }
        Ok(tokens)
    }

    /// Completes when the work submitted so far is done, and checks the flag that it may have raised: one readback tells both.
    pub(crate) async fn finished(&self, flag: &Buffer, stage: Stage) -> Result<(), ModelError> {
        let flag: Vec<u32> = self.gpu().read_all(flag).await?;
        if flag.iter().all(|word| *word == 0) { Ok(()) } else { Err(EngineError::NotFinite { stage }.into()) }
    }

    /// Rotary frequencies of the audio transformer, as stored.
    pub(crate) async fn audio_frequencies(&self) -> Result<Vec<f32>, ModelError> {
        Ok(self.gpu().read_all(&self.0.weights.audio_transformer.inv_freq).await?)
    }

    /// Audio transformer and the keys and values of every cross-attention block. The windows belong to `sounds` sounds of equal length.
    pub(crate) fn audio_kv_plan(
        &self,
        tokens: &Buffer,
        frequencies: &[f32],
        windows: usize,
        sounds: usize,
        taps: Option<&Taps>,
    ) -> Result<AudioKvPlan, GpuError> {
        let inner = &*self.0;
        let count = windows * TOKENS_PER_WINDOW;
        // Positions count from the start of each sound.
        let rotary = rotary_table(frequencies, count / sounds).repeat(sounds);
        let rotary = inner.gpu.storage_with("audio rotary", &rotary)?;
        let mut plan = PlanBuilder::new(&inner.gpu, "audio kv", taps);
        let input = AudioTransformerInput {
            config: &inner.config.audio_transformer,
            weights: &inner.weights.audio_transformer,
            tokens,
            count,
            sounds,
            rotary: &rotary,
            step: &inner.origin,
        };
        let audio = audio_transformer(&inner.gpu, &mut plan, &input)?;
        let flag = inner.gpu.storage("audio kv flag", 4)?;
        let mut exact: Option<Buffer> = None; // shared by all blocks that store float16
        let mut audio_kv = Vec::with_capacity(inner.weights.decoder.layers.len());
        for (index, layer) in inner.weights.decoder.layers.iter().enumerate() {
            let Some(cross) = &layer.gated_cross_attn else {
                audio_kv.push(None);
                continue;
            };
            let width = cross.to_kv.rows;
            let storage = |bytes: usize| inner.gpu.storage("audio kv", (bytes * count * width) as u64);
            let half = stored_as(cross.to_kv.scheme, inner.config.cross_attention.head_dim) == Scheme::F16;
            let kv = match exact.take() {
                Some(buffer) if half && buffer.bytes() == (4 * count * width) as u64 => buffer,
                _ => storage(4)?,
            };
            let label = format!("{index}.cross.attn.to_kv");
            let to_kv = Matmul { x: &audio, w: &cross.to_kv, out: &kv, rows: count };
            matmul(&mut plan, &label, to_kv, &Epilogue::default())?;
            plan.tap(&format!("xattn{index}_kv"), &kv, &[1, count, width])?;
            if half {
                let packed = storage(2)?;
                pack_f16(&mut plan, &label, &kv, &packed, &flag, count * width)?;
                audio_kv.push(Some(packed));
                exact = Some(kv);
            } else {
                check_finite(&mut plan, &label, &kv, &flag, count * width)?;
                audio_kv.push(Some(kv));
            }
        }
        Ok(AudioKvPlan { plan: plan.finish()?, audio_kv, flag })
    }
}

impl Clip {
    /// The model that encoded it.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Windows of audio.
    pub fn windows(&self) -> usize {
        self.windows
    }

    /// What one token takes, once a question was asked.
    pub fn token_info(&self) -> Option<PlanInfo> {
        let parts = self.token_step()?.map(Plan::info);
        Some(PlanInfo {
            dispatches: parts.iter().map(|info| info.dispatches).sum(),
            weight_bytes: parts.iter().map(|info| info.weight_bytes).sum(),
            flops: parts.iter().map(|info| info.flops).sum(),
        })
    }

    /// Every dispatch of one token's step, timed on the GPU, after the last answer; `None` if the adapter has no timestamps or no
    /// question was asked.
    ///
    /// # Errors
    /// The device failed.
    pub async fn profile_step(&self) -> Result<Option<Vec<Span>>, ModelError> {
        let Some(plans) = self.token_step() else { return Ok(None) };
        let mut all = Vec::new();
        for plan in plans {
            let Some(spans) = self.model.gpu().profile(plan).await? else { return Ok(None) };
            all.extend(spans);
        }
        Ok(Some(all))
    }

    /// Records the commands of one token's step and drops them: what the CPU does for a token before it submits. False if no question was
    /// asked.
    pub fn record_step(&self) -> bool {
        self.token_step().map(|plans| self.model.gpu().record(&plans)).is_some()
    }

    /// The plans of a token's step.
    fn token_step(&self) -> Option<[&Plan; 3]> {
        self.plans.as_ref().map(|plans| [&plans.token, &plans.token_head, &plans.token_argmax])
    }

    pub(crate) fn decoder_plans<'a>(&'a self, scratch: &'a Scratch) -> DecoderPlans<'a> {
        let inner = &*self.model.0;
        DecoderPlans {
            gpu: &inner.gpu,
            config: &inner.config,
            weights: &inner.weights.decoder,
            audio_kv: &self.audio_kv,
            audio_tokens: self.audio_tokens,
            scratch,
            origin: &inner.origin,
        }
    }

    /// Plans for `slots` sequences of `positions` tokens, with a prompt plan for every number of rows in `passes`.
    pub(crate) async fn prepare(
        &mut self,
        positions: usize,
        slots: usize,
        passes: &[usize],
    ) -> Result<&ClipPlans, ModelError> {
        let scratch = self.model.scratch(positions, slots, self.audio_tokens).await?;
        let stale = self.plans.take_if(|plans| !Arc::ptr_eq(&plans.scratch, &scratch)).is_some();
        let mut plans = match self.plans.take() {
            Some(plans) if !stale => plans,
            _ => self.model.gpu().scoped("the decoder", || self.token_plans(scratch.clone())).await?,
        };
        for rows in passes {
            if !plans.prompts.contains_key(rows) {
                let made = self.model.gpu().scoped("the prompt", || self.prompt_plans(&scratch, *rows)).await?;
                plans.prompts.insert(*rows, made);
            }
        }
        Ok(self.plans.insert(plans))
    }

    fn token_plans(&self, scratch: Arc<Scratch>) -> Result<ClipPlans, GpuError> {
        let make = self.decoder_plans(&scratch);
        let (token, token_head) = (make.token()?, make.head(1)?);
        let token_argmax = make.argmax(1)?;
        Ok(ClipPlans { scratch, token, token_head, token_argmax, prompts: BTreeMap::new() })
    }

    /// Builds and drops one plan of each kind.
    pub(crate) fn warm_up(&self, scratch: &Arc<Scratch>) -> Result<(), GpuError> {
        self.token_plans(scratch.clone())?;
        self.prompt_plans(scratch, 1)?;
        Ok(())
    }

    fn prompt_plans(&self, scratch: &Scratch, rows: usize) -> Result<PromptPlans, GpuError> {
        let make = self.decoder_plans(scratch);
        Ok(PromptPlans { layers: make.prompt(rows, None)?, head: make.head(rows)?, argmax: make.argmax(rows)? })
    }
}
