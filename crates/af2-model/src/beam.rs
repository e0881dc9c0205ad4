//! Beam search: each beam has a slot of the key/value caches; when a beam changes its parent, its slot is copied.

use af2_core::engine::{check_logits, check_prompt};
use af2_core::sampling::{BeamOutcome, BeamSearch, BeamStep};
use af2_gpu::ops::Step;
use af2_gpu::{Buffer, Gpu};

use crate::clip::ClipPlans;
use crate::generate::{passes, write_position, write_prompt};
use crate::scratch::Scratch;
use crate::{Clip, ModelError};

impl Clip {
    /// The best answer of a beam search with its end token, if it has one. `on_step` gets the number of tokens searched so far and
    /// stops the search by returning false; then the result is the best answer so far.
    ///
    /// # Errors
    /// As [`Clip::generate`].
    pub async fn beam_search(
        &mut self,
        prompt: &[u32],
        beams: usize,
        max_new_tokens: usize,
        on_step: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<u32>, ModelError> {
        let model = self.model.clone();
        let positions = check_prompt(model.config(), prompt, max_new_tokens)?;
        let mut search = BeamSearch::new(beams, model.config().tokens.end_of_text, max_new_tokens)?;
        let _busy = model.reserve()?;
        let passes = passes(prompt.len());
        let plans = self.prepare(positions, beams, &passes).await?;
        let gpu = model.gpu();
        write_prompt(gpu, &plans.scratch, prompt, prompt.len(), 0);
        let mut slots = Slots::new(gpu, plans, prompt.len())?;
        let mut rows = vec![slots.prompt_logits(&passes).await?];
        for searched in 1.. {
            let logits: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let BeamOutcome::Continue(step) = search.advance(&logits)? else { break };
            if !on_step(searched) {
                break;
            }
            rows = slots.advance(&step).await?;
        }
        Ok(search.finish())
    }
}

/// The live beams: beam b has slot b of the caches.
struct Slots<'a> {
    gpu: &'a Gpu,
    plans: &'a ClipPlans,
    /// Room for the caches of one layer, used when beams change parents.
    spare: Buffer,
    /// Tokens of every live beam.
    length: usize,
}

impl<'a> Slots<'a> {
    fn new(gpu: &'a Gpu, plans: &'a ClipPlans, length: usize) -> Result<Self, ModelError> {
        let bytes = plans.scratch.kv.iter().map(Buffer::bytes).max().unwrap_or(4);
        let spare = gpu.storage("spare kv cache", bytes)?;
        Ok(Self { gpu, plans, spare, length })
    }

    async fn prompt_logits(&self, passes: &[usize]) -> Result<Vec<f32>, ModelError> {
        let mut position = 0;
        for rows in passes {
            write_position(self.gpu, &self.plans.scratch, position);
            position += rows;
            let Some(pass) = self.plans.prompts.get(rows) else { continue };
            self.gpu.run(&[&pass.layers, &pass.head]);
        }
        self.logits().await
    }

    /// Gives every new beam its parent's cache and its token, and returns the logits that follow.
    async fn advance(&mut self, step: &BeamStep) -> Result<Vec<Vec<f32>>, ModelError> {
        let Scratch { kv, slots, .. } = &*self.plans.scratch;
        let pitch = kv.first().map_or(0, |cache| cache.bytes() / *slots as u64);
        let used = pitch / self.plans.scratch.capacity as u64 * self.length as u64;
        self.gpu.permute(kv, &self.spare, &step.parents, pitch, used);
        let mut rows = Vec::with_capacity(step.tokens.len());
        for (slot, token) in step.tokens.iter().enumerate() {
            rows.push(self.token_logits(slot, *token).await?);
        }
        self.length += 1;
        Ok(rows)
    }

    async fn token_logits(&self, slot: usize, token: u32) -> Result<Vec<f32>, ModelError> {
        let scratch = &*self.plans.scratch;
        let base = slot * scratch.capacity;
        self.gpu.write(&scratch.sequence, 4 * (base + self.length) as u64, bytemuck::bytes_of(&token));
        let length = scratch.capacity as u32;
        let step = Step { position: self.length as u32, slot_base: base as u32, length, ..Step::default() };
        self.gpu.write(&scratch.step, 0, bytemuck::bytes_of(&step));
        self.gpu.run(&[&self.plans.token, &self.plans.token_head]);
        self.logits().await
    }

    async fn logits(&self) -> Result<Vec<f32>, ModelError> {
        let logits = self.plans.scratch.read_logits(self.gpu).await?;
        check_logits(&logits)?;
        Ok(logits)
    }
}
