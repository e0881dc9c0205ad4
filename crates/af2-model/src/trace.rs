//! Tracing a question: every intermediate, read back from the taps of the plans.

use std::collections::HashMap;

use af2_core::audio::Windows;
use af2_core::engine::{TOKENS_PER_WINDOW, Trace, TraceTensor, check_prompt, check_windows};
use af2_gpu::{Buffer, Gpu, Plan, Taps};

use crate::clip::AudioKvPlan;
use crate::generate::write_prompt;
use crate::{GenerateOptions, Model, ModelError};

impl Model {
    /// Answers greedily and returns every intermediate: the encoder's of all windows, the decoder's of all prompt tokens. An
    /// intermediate named in `replace` is returned as computed, and what follows it computes with the values given (of all windows,
    /// row-major).
    ///
    /// # Errors
    /// As [`Model::listen`] and [`crate::Clip::generate`]; [`af2_core::engine::EngineError::NotFinite`] names the first intermediate that is not finite.
    pub async fn trace(
        &self,
        windows: &Windows,
        prompt: &[u32],
        max_new_tokens: usize,
        replace: &HashMap<String, Vec<f32>>,
    ) -> Result<Trace, ModelError> {
        check_windows(self.config(), windows)?;
        check_prompt(self.config(), prompt, max_new_tokens)?;
        let gpu = self.gpu();
        let taps = Taps { replace: replace.clone() };
        let (mut tensors, tokens) = self.trace_encoder(windows, replace).await?;
        let frequencies = self.audio_frequencies().await?;
        let make = || self.audio_kv_plan(&tokens, &frequencies, windows.count, 1, Some(&taps));
        let AudioKvPlan { plan, audio_kv, .. } = gpu.scoped("the audio", make).await?;
        gpu.run(&[&plan]);
        tensors.extend(read_taps(gpu, &plan).await?);
        let mut clip = self.clip(audio_kv, windows.count);

        let rows = prompt.len();
        let scratch = self.new_scratch(rows, rows, 1, clip.audio_tokens).await?;
        write_prompt(gpu, &scratch, prompt, prompt.len(), 0);
        let plans = clip.decoder_plans(&scratch);
        let layers = gpu.scoped("the prompt", || plans.prompt(rows, Some(&taps))).await?;
        let head = gpu.scoped("the head", || plans.head_of_all(rows, &taps)).await?;
        gpu.run(&[&layers, &head]);
        tensors.extend(read_taps(gpu, &layers).await?);
        tensors.extend(read_taps(gpu, &head).await?);
        tensors.iter().try_for_each(TraceTensor::check)?;

        let options = GenerateOptions { max_new_tokens, keep_logits: true, ..GenerateOptions::default() };
        let generation = clip.generate(prompt, &options, &mut |_| true).await?;
        Ok(Trace { tensors, new_ids: generation.ids, step_logits: generation.logits })
    }

    /// The encoder's intermediates of all windows, and its output, [windows · 64, D].
    async fn trace_encoder(
        &self,
        windows: &Windows,
        replace: &HashMap<String, Vec<f32>>,
    ) -> Result<(Vec<TraceTensor>, Buffer), ModelError> {
        let gpu = self.gpu();
        let window_bytes = (4 * TOKENS_PER_WINDOW * self.config().audio_transformer.d_model) as u64;
        let tokens = gpu.storage("audio tokens", windows.count as u64 * window_bytes)?;
        let mut tensors = Vec::new();
        for index in 0..windows.count {
            let taps = Taps { replace: window_of(replace, index, windows.count) };
            let encoder = gpu.scoped("the encoder", || self.encoder_plan(1, Some(&taps))).await?;
            gpu.write(&encoder.audio, 0, bytemuck::cast_slice(&windows.window_samples_f32(index)));
            gpu.run_then_copy(&encoder.plan, &encoder.tokens, &tokens, index as u64 * window_bytes, window_bytes);
            append(&mut tensors, read_taps(gpu, &encoder.plan).await?);
        }
        Ok((tensors, tokens))
    }
}

/// One window's share of replacements that hold `count` windows.
fn window_of(replace: &HashMap<String, Vec<f32>>, index: usize, count: usize) -> HashMap<String, Vec<f32>> {
    let share = |values: &Vec<f32>| {
        let length = values.len() / count;
        values[index * length..(index + 1) * length].to_vec()
    };
    replace.iter().map(|(name, values)| (name.clone(), share(values))).collect()
}

async fn read_taps(gpu: &Gpu, plan: &Plan) -> Result<Vec<TraceTensor>, ModelError> {
    let mut tensors = Vec::with_capacity(plan.taps().len());
    for tap in plan.taps() {
        let values = gpu.read_all(&tap.buffer).await?;
        tensors.push(TraceTensor { name: tap.name.clone(), shape: tap.shape.clone(), values });
    }
    Ok(tensors)
}

/// Joins a window's tensors to those of the windows before it, along the first axis.
fn append(tensors: &mut Vec<TraceTensor>, window: Vec<TraceTensor>) {
    for tensor in window {
        match tensors.iter_mut().find(|joined| joined.name == tensor.name) {
            Some(joined) => {
                joined.shape[0] += tensor.shape[0];
                joined.values.extend(tensor.values);
            }
            None => tensors.push(tensor),
        }
    }
}
