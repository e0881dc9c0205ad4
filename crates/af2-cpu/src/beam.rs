//! Beam search: each beam has its own key/value cache; beams that fork share their past. A pass computes the next token of all.

use af2_core::engine::check_prompt;
use af2_core::sampling::{BeamOutcome, BeamSearch};

use crate::{Clip, CpuError};

impl Clip {
    /// The best answer of a beam search with its end token, if it has one. `on_step` gets the number of tokens searched so far and
    /// stops the search by returning false; then the result is the best answer so far.
    ///
    /// # Errors
    /// As [`check_prompt`] and [`BeamSearch::new`], or the tensor library failed.
    pub async fn beam_search(
        &self,
        prompt: &[u32],
        beams: usize,
        max_new_tokens: usize,
        on_step: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Vec<u32>, CpuError> {
        check_prompt(self.model.config(), prompt, max_new_tokens)?;
        let mut search = BeamSearch::new(beams, self.model.config().tokens.end_of_text, max_new_tokens)?;
        let mut caches = vec![self.model.0.decoder.cache()];
        let mut rows = vec![self.next_logits(prompt, &self.audio_kv, &mut caches[0]).await?];
        for searched in 1.. {
            let logits: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let BeamOutcome::Continue(step) = search.advance(&logits)? else { break };
            if !on_step(searched) {
                break;
            }
            caches = step.parents.iter().map(|parent| caches[*parent].clone()).collect();
            rows = self.next_logits_each(&step.tokens, &mut caches).await?;
        }
        Ok(search.finish())
    }
}
