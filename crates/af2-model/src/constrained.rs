//! Decoding under rules: the logits of every step are read back, and the host chooses the token.
//!
//! Rules are arbitrary code, so a step waits for the host: for the 3B model 607 KB of logits per token.

use af2_core::engine::{
    Constraint, GenerateOptions, Generation, TokenRules, check_request, log_softmax_at, top_logprobs,
};
use af2_gpu::Gpu;

use crate::clip::ClipPlans;
use crate::generate::{passes, write_position, write_prompt};
use crate::{Clip, ModelError};

impl Clip {
    /// As [`Clip::resume`], of tokens that obey `rules`, which have accepted the tokens that `generation` holds.
    ///
    /// # Errors
    /// As [`Clip::resume`], and [`af2_core::engine::EngineError::NothingAllowed`].
    pub async fn resume_with(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        rules: &mut dyn TokenRules,
        generation: &mut Generation,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<(), ModelError> {
        let model = self.model.clone();
        let config = model.config();
        let positions = check_request(config, prompt, options)?;
        let _busy = model.reserve()?;
        let mut constraint = Constraint::new(rules, config.text.vocab_size);
        let mut known = [prompt, &generation.ids].concat();
        let passes = passes(known.len());
        let plans = self.prepare(positions, 1, &passes).await?;
        let gpu = model.gpu();
        write_prompt(gpu, &plans.scratch, &known, prompt.len(), options.sampling.seed);
        let mut started = false;
        while !generation.has_ended(options, config.tokens.end_of_text) {
            if started {
                submit_token(gpu, plans, &known);
            } else {
                submit_passes(gpu, plans, &passes);
            }
            started = true;
            let logits = plans.scratch.read_logits(gpu).await?;
            let position = generation.ids.len() as u32;
            let id = constraint.next_token(&logits, &known, &options.sampling, position)?;
            record(generation, options, id, logits);
            known.push(id);
            if !on_token(id) {
                break;
            }
        }
        Ok(())
    }
}

/// Runs the passes over prompt and given answer, and the head on the last token.
fn submit_passes(gpu: &Gpu, plans: &ClipPlans, passes: &[usize]) {
    let mut position = 0;
    for rows in passes {
        write_position(gpu, &plans.scratch, position);
        position += rows;
        let Some(pass) = plans.prompts.get(rows) else { continue };
        gpu.run(&[&pass.layers, &pass.head]);
    }
}

/// Runs the step of the last of the known tokens.
fn submit_token(gpu: &Gpu, plans: &ClipPlans, known: &[u32]) {
    let Some((id, before)) = known.split_last() else { return };
    gpu.write(&plans.scratch.sequence, 4 * before.len() as u64, bytemuck::bytes_of(id));
    write_position(gpu, &plans.scratch, before.len());
    gpu.run(&[&plans.token, &plans.token_head]);
}

fn record(generation: &mut Generation, options: &GenerateOptions, id: u32, logits: Vec<f32>) {
    generation.ids.push(id);
    generation.logprobs.push(log_softmax_at(&logits, id));
    if options.top_logprobs > 0 {
        generation.alternatives.push(top_logprobs(&logits, options.top_logprobs));
    }
    if options.keep_logits {
        generation.logits.push(logits);
    }
}
