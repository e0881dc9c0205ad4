//! Beam search: each beam is a row of a batch with a part of the key/value caches of its own; when a beam changes its parent, that part is
//! copied. The prompt's part is shared.

use af2_core::engine::{AudioView, check_logits, check_prompt};
use af2_core::sampling::{BeamOutcome, BeamSearch, BeamStep};
use af2_gpu::Buffer;

use crate::batch::{BatchRunner, Lane, PlannedRow};
use crate::batch_buffers::{MOST_PICKS, MOST_ROWS};
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
        check_prompt(model.config(), prompt, max_new_tokens)?;
        let mut search = BeamSearch::new(beams, model.config().tokens.end_of_text, max_new_tokens)?;
        let _busy = model.reserve()?;
        let mut lanes = Beams::new(self, prompt.len(), beams, max_new_tokens).await?;
        let mut rows = lanes.prompt_logits(prompt).await?;
        for searched in 1.. {
            let logits: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let BeamOutcome::Continue(step) = search.advance(&logits)? else { break };
            if !on_step(searched) {
                break;
            }
            rows = lanes.advance(&step).await?;
        }
        Ok(search.finish())
    }
}

/// The live beams. Beam b has cache rows b · pitch and following; the prompt has those behind the last beam's.
struct Beams<'a> {
    runner: BatchRunner<'a>,
    /// Room for the beams' part of one layer's cache, used when beams change parents.
    spare: Buffer,
    prompt: (usize, usize),
    /// Cache rows of a beam.
    pitch: usize,
    /// Tokens of every live beam.
    length: usize,
    view: AudioView,
}

impl<'a> Beams<'a> {
    async fn new(clip: &'a Clip, prompt: usize, beams: usize, pitch: usize) -> Result<Self, ModelError> {
        let runner = BatchRunner::new(clip, beams * pitch + prompt).await?;
        let row_bytes = runner.batch.kv.first().map_or(4, |kv| kv.bytes() / runner.batch.cache_rows as u64);
        let spare = runner.gpu().storage("spare kv cache", (beams * pitch) as u64 * row_bytes)?;
        let view = AudioView::whole(clip.windows());
        Ok(Self { runner, spare, prompt: (beams * pitch, prompt), pitch, length: 0, view })
    }

    fn lane(&self, beam: usize) -> Lane {
        Lane::new(self.prompt, beam * self.pitch, &self.view)
    }

    async fn prompt_logits(&mut self, prompt: &[u32]) -> Result<Vec<Vec<f32>>, ModelError> {
        let lane = self.lane(0);
        let row =
            |(position, token): (usize, &u32)| PlannedRow { token: *token, row: lane.row(position), targets: vec![] };
        let rows: Vec<PlannedRow> = prompt.iter().enumerate().map(row).collect();
        let mut last = Vec::new();
        for pass in rows.chunks(MOST_ROWS) {
            last = vec![pass.len() - 1];
            self.run(pass).await?;
        }
        self.logits(&last).await
    }

    /// Gives every new beam its parent's cache and its token, and returns the logits that follow.
    async fn advance(&mut self, step: &BeamStep) -> Result<Vec<Vec<f32>>, ModelError> {
        let row_bytes = self.spare.bytes() / (self.prompt.0 as u64).max(1);
        let (pitch, used) = (self.pitch as u64 * row_bytes, self.length as u64 * row_bytes);
        if used > 0 {
            self.runner.gpu().permute(&self.runner.batch.kv, &self.spare, &step.parents, pitch, used);
        }
        let position = self.prompt.1 + self.length;
        let row = |(beam, token): (usize, &u32)| PlannedRow {
            token: *token,
            row: self.lane(beam).row(position),
            targets: Vec::new(),
        };
        let rows: Vec<PlannedRow> = step.tokens.iter().enumerate().map(row).collect();
        let mut logits = Vec::with_capacity(rows.len());
        for pass in rows.chunks(MOST_ROWS) {
            self.run(pass).await?;
            logits.extend(self.logits(&(0..pass.len()).collect::<Vec<_>>()).await?);
        }
        self.length += 1;
        Ok(logits)
    }

    async fn run(&mut self, pass: &[PlannedRow]) -> Result<(), ModelError> {
        let filled = self.runner.write_rows(pass);
        let gpu = self.runner.gpu();
        gpu.run(&[self.runner.layers(filled).await?]);
        Ok(())
    }

    /// The logits, \[V\] each, of rows of the last pass.
    async fn logits(&mut self, rows: &[usize]) -> Result<Vec<Vec<f32>>, ModelError> {
        let vocab = self.runner.vocab();
        let mut all = Vec::with_capacity(rows.len());
        for part in rows.chunks(MOST_PICKS) {
            let picks: Vec<(usize, u32)> = part.iter().map(|row| (*row, 0)).collect();
            let filled = self.runner.write_picks(&picks);
            let gpu = self.runner.gpu();
            gpu.run(&[self.runner.head(filled, false).await?]);
            let bytes = gpu.read(&self.runner.batch.logits, 0, (4 * part.len() * vocab) as u64).await?;
            let logits: Vec<f32> = bytemuck::pod_collect_to_vec(&bytes);
            check_logits(&logits)?;
            all.extend(logits.chunks(vocab).map(<[f32]>::to_vec));
        }
        Ok(all)
    }
}
