//! Several sequences in one pass: every matrix is read once for all their tokens.
//!
//! ```text
//! rows [R ≤ 64]: token, sequence, position, audio ── layers ── x [R, H] ── picked rows [N ≤ 16, H] ── norm ── lm_head ── [N, V] ── scores
//! ```
//!
//! R and N are powers of two: a pass that is not full repeats its last row, which writes the same values to the same places.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use af2_core::engine::{AudioView, TIMES_PER_WINDOW, TOKENS_PER_WINDOW};
use af2_gpu::ops::BatchRow;
use af2_gpu::ops::Epilogue;
use af2_gpu::ops::gather::gather;
use af2_gpu::ops::layer_norm::NormBuffers;
use af2_gpu::ops::matmul::{Matmul, matmul};
use af2_gpu::ops::rms_norm::rms_norm;
use af2_gpu::ops::score_rows::{Score, ScoreBuffers, score_rows};
use af2_gpu::{Buffer, Fetch, Gpu, GpuError, Mapping, Plan, PlanBuilder};

use crate::batch_buffers::{Batch, FIRST_CACHE_ROWS, MOST_PICKS, MOST_ROWS};
use crate::clip::Clip;
use crate::decoder::DecoderPlans;
use crate::generate::not_finite;
use crate::scratch::Scratch;
use crate::sequences::BatchAttention;
use crate::{Model, ModelError};

/// Readbacks in flight.
const IN_FLIGHT: usize = 4;

/// A token of a sequence, and what is wanted of the logits after it.
pub(crate) struct PlannedRow {
    pub token: u32,
    pub row: BatchRow,
    /// Tokens whose log-probability is wanted, and the places of the results.
    pub targets: Vec<(u32, usize)>,
}

/// A sequence's part of the caches, and the audio it attends to.
#[derive(Clone, Copy)]
pub(crate) struct Lane {
    /// First cache row of its prefix, and its length.
    pub prefix: (usize, usize),
    /// First cache row of what follows.
    pub own: usize,
    audio: [u32; 4],
}

impl Lane {
    pub fn new(prefix: (usize, usize), own: usize, view: &AudioView) -> Self {
        let times = view.times();
        let hidden = [view.hidden.start.clamp(times.start, times.end), view.hidden.end.clamp(times.start, times.end)];
        let audio =
            [view.windows.start * TOKENS_PER_WINDOW, view.windows.len() * TOKENS_PER_WINDOW, hidden[0], hidden[1]];
        debug_assert_eq!(TOKENS_PER_WINDOW, 2 * TIMES_PER_WINDOW);
        Self { prefix, own, audio: audio.map(|number| number as u32) }
    }

    /// The row of the token at a position.
    pub fn row(&self, position: usize) -> BatchRow {
        let (prefix_base, prefix_length) = self.prefix;
        let [audio_first, audio_count, hidden_first, hidden_end] = self.audio;
        BatchRow {
            position: position as u32,
            own_base: (self.own as u32).wrapping_sub(prefix_length as u32),
            prefix_base: prefix_base as u32,
            prefix_length: prefix_length as u32,
            audio_first,
            audio_count,
            hidden_first,
            hidden_end,
        }
    }
}

impl Model {
    /// Buffers for batches with caches of at least `cache_rows` rows; those that exist, if they are large enough.
    // As in `Model::new`.
    #[allow(clippy::arc_with_non_send_sync)]
    async fn batch_buffers(&self, cache_rows: usize) -> Result<Arc<Batch>, ModelError> {
        if let Some(found) = self.stored_batch().filter(|batch| batch.cache_rows >= cache_rows) {
            return Ok(found);
        }
        self.store_batch(None);
        let rows = cache_rows.next_multiple_of(FIRST_CACHE_ROWS);
        let make = || Batch::new(self.gpu(), self.config(), rows);
        let made = Arc::new(self.gpu().scoped("the batch's key/value cache", make).await?);
        self.store_batch(Some(made.clone()));
        Ok(made)
    }
}

/// Runs passes of rows about one clip.
pub(crate) struct BatchRunner<'a> {
    clip: &'a Clip,
    scratch: Arc<Scratch>,
    pub batch: Arc<Batch>,
    /// Plans by number of rows.
    layers: BTreeMap<usize, Plan>,
    heads: BTreeMap<(usize, bool), Plan>,
    relevance: Option<(Plan, Buffer)>,
}

impl<'a> BatchRunner<'a> {
    pub async fn new(clip: &'a Clip, cache_rows: usize) -> Result<Self, ModelError> {
        let scratch = clip.model.scratch(1, 1, clip.audio_tokens).await?;
        let batch = clip.model.batch_buffers(cache_rows).await?;
        Ok(Self { clip, scratch, batch, layers: BTreeMap::new(), heads: BTreeMap::new(), relevance: None })
    }

    pub fn gpu(&self) -> &'a Gpu {
        self.clip.model.gpu()
    }

    /// V, rows of the embedding.
    pub fn vocab(&self) -> usize {
        self.clip.model.config().text.vocab_size
    }

    fn attention<'b>(batch: &'b Batch, relevance: Option<&'b Buffer>) -> BatchAttention<'b> {
        BatchAttention { rows: &batch.rows, kv: &batch.kv, relevance }
    }

    /// The layers for `rows` rows, a power of two.
    pub async fn layers(&mut self, rows: usize) -> Result<&Plan, ModelError> {
        if !self.layers.contains_key(&rows) {
            let plans = self.clip.decoder_plans(&self.scratch);
            let attention = Self::attention(&self.batch, None);
            let make = || plans.batch(attention, &self.batch.tokens, rows);
            let plan = self.gpu().scoped("a batch", make).await?;
            self.layers.insert(rows, plan);
        }
        Ok(&self.layers[&rows])
    }

    /// Logits and scores of `picks` picked rows, a power of two; with `advance`, their most likely tokens become the next ones.
    pub async fn head(&mut self, picks: usize, advance: bool) -> Result<&Plan, ModelError> {
        let key = (picks, advance);
        if !self.heads.contains_key(&key) {
            let plans = self.clip.decoder_plans(&self.scratch);
            let make = || head(&plans, &self.batch, picks, advance);
            let plan = self.gpu().scoped("a batch's head", make).await?;
            self.heads.insert(key, plan);
        }
        Ok(&self.heads[&key])
    }

    /// Uploads the rows of a pass, filled up to a power of two; returns that number.
    pub fn write_rows(&self, rows: &[PlannedRow]) -> usize {
        let filled = rows.len().next_power_of_two();
        let last = rows.len().saturating_sub(1);
        let at = |index: usize| &rows[index.min(last)];
        let places: Vec<BatchRow> = (0..filled).map(|index| at(index).row).collect();
        let tokens: Vec<u32> = (0..filled).map(|index| at(index).token).collect();
        self.gpu().write(&self.batch.rows, 0, bytemuck::cast_slice(&places));
        self.gpu().write(&self.batch.tokens, 0, bytemuck::cast_slice(&tokens));
        filled
    }

    /// Uploads which rows' logits are computed, with a target each, filled up to a power of two; returns that number.
    pub fn write_picks(&self, picks: &[(usize, u32)]) -> usize {
        let filled = picks.len().next_power_of_two();
        let last = picks.len().saturating_sub(1);
        let column = |part: fn(&(usize, u32)) -> u32| -> Vec<u32> {
            (0..filled).map(|index| part(&picks[index.min(last)])).collect()
        };
        self.gpu().write(&self.batch.picks, 0, bytemuck::cast_slice(&column(|(row, _)| *row as u32)));
        self.gpu().write(&self.batch.targets, 0, bytemuck::cast_slice(&column(|(_, target)| *target)));
        filled
    }

    /// Runs the layers of any number of rows, in passes, and the heads of the rows that want something; the scores by their places.
    ///
    /// # Errors
    /// A logit is not finite, or the device failed.
    pub async fn run(&mut self, rows: &[PlannedRow]) -> Result<Vec<Score>, ModelError> {
        let places = rows.iter().flat_map(|row| row.targets.iter().map(|(_, place)| place + 1)).max().unwrap_or(0);
        let mut scores = vec![Score::default(); places];
        let mut in_flight = VecDeque::new();
        let result = self.run_passes(rows, &mut in_flight, &mut scores).await;
        // Staging buffers in flight must not be dropped before they are mapped.
        while let Some(readback) = in_flight.pop_front() {
            let settled = collect(readback, &mut scores).await;
            if result.is_ok() {
                settled?;
            }
        }
        result.map(|()| scores)
    }

    async fn run_passes(
        &mut self,
        rows: &[PlannedRow],
        in_flight: &mut VecDeque<Readback>,
        scores: &mut [Score],
    ) -> Result<(), ModelError> {
        for pass in rows.chunks(MOST_ROWS) {
            let filled = self.write_rows(pass);
            let gpu = self.gpu();
            gpu.run(&[self.layers(filled).await?]);
            let wanted = pass.iter().enumerate();
            let wanted: Vec<(usize, u32, usize)> = wanted
                .flat_map(|(row, planned)| planned.targets.iter().map(move |(id, place)| (row, *id, *place)))
                .collect();
            for part in wanted.chunks(MOST_PICKS) {
                let picks: Vec<(usize, u32)> = part.iter().map(|(row, id, _)| (*row, *id)).collect();
                let filled = self.write_picks(&picks);
                self.head(filled, false).await?;
                let places = part.iter().map(|(.., place)| *place).collect();
                in_flight.push_back(self.submit(&[&self.heads[&(filled, false)]], filled, places)?);
                if in_flight.len() > IN_FLIGHT
                    && let Some(oldest) = in_flight.pop_front()
                {
                    collect(oldest, scores).await?;
                }
            }
        }
        Ok(())
    }

    /// Runs plans that end with a head and asks for its scores.
    fn submit(&self, plans: &[&Plan], picks: usize, places: Vec<usize>) -> Result<Readback, ModelError> {
        let bytes = (picks * size_of::<Score>()) as u64;
        let staging = self.gpu().staging(bytes)?;
        self.gpu().run_then_fetch(plans, &[Fetch { from: &self.batch.scores, offset: 0, bytes }], &staging);
        Ok(Readback { mapping: self.gpu().map(&staging, bytes), places })
    }

    /// Submits one step of decoding: the next token of each of `rows` sequences, a power of two, whose rows and picks were uploaded.
    pub async fn step(&mut self, rows: usize) -> Result<Readback, ModelError> {
        self.layers(rows).await?;
        self.head(rows, true).await?;
        self.submit(&[&self.layers[&rows], &self.heads[&(rows, true)]], rows, (0..rows).collect())
    }

    /// Runs rows without a head and adds up how much all but the first `skipped` of them attend to each audio token, [T].
    ///
    /// # Errors
    /// The device failed.
    pub async fn relevance(&mut self, rows: &[PlannedRow], skipped: usize) -> Result<Vec<f32>, ModelError> {
        let (before, after) = rows.split_at(skipped);
        self.run(before).await?;
        let tokens = self.clip.audio_tokens;
        let heads = self.clip.model.config().cross_attention.num_heads;
        let mut sums = vec![0.0; tokens];
        for pass in after.chunks(MOST_PICKS) {
            let filled = self.write_rows(pass);
            let gpu = self.gpu();
            if self.relevance.is_none() {
                let buffer = gpu.storage("relevance", (4 * MOST_PICKS * heads * tokens) as u64)?;
                let plans = self.clip.decoder_plans(&self.scratch);
                let attention = Self::attention(&self.batch, Some(&buffer));
                let make = || plans.batch(attention, &self.batch.tokens, MOST_PICKS);
                self.relevance = Some((gpu.scoped("a batch", make).await?, buffer));
            }
            let Some((plan, buffer)) = &self.relevance else { continue };
            self.fill_rows(pass, filled);
            gpu.write(buffer, 0, &vec![0; buffer.bytes() as usize]);
            gpu.run(&[plan]);
            let found: Vec<f32> = gpu.read_all(buffer).await?;
            for line in found.chunks_exact(tokens).take(pass.len() * heads) {
                sums.iter_mut().zip(line).for_each(|(sum, weight)| *sum += weight);
            }
        }
        Ok(sums)
    }

    /// Repeats the last row up to [`MOST_PICKS`].
    fn fill_rows(&self, pass: &[PlannedRow], filled: usize) {
        let Some(last) = pass.last() else { return };
        for index in filled..MOST_PICKS {
            let bytes = size_of::<BatchRow>() * index;
            self.gpu().write(&self.batch.rows, bytes as u64, bytemuck::bytes_of(&last.row));
            self.gpu().write(&self.batch.tokens, 4 * index as u64, bytemuck::bytes_of(&last.token));
        }
    }
}

/// Scores in flight, and the places of the first ones.
pub(crate) struct Readback {
    mapping: Mapping,
    places: Vec<usize>,
}

impl Readback {
    pub fn mapping(&mut self) -> &mut Mapping {
        &mut self.mapping
    }
}

/// Puts scores in their places.
///
/// # Errors
/// A logit was not finite, or the device failed.
pub(crate) async fn collect(readback: Readback, scores: &mut [Score]) -> Result<(), ModelError> {
    let found: Vec<Score> = bytemuck::pod_collect_to_vec(&readback.mapping.bytes().await?);
    for (score, place) in found.into_iter().zip(readback.places) {
        if score.token == u32::MAX {
            return Err(not_finite());
        }
        if let Some(slot) = scores.get_mut(place) {
            *slot = score;
        }
    }
    Ok(())
}

fn head(plans: &DecoderPlans<'_>, batch: &Batch, picks: usize, advance: bool) -> Result<Plan, GpuError> {
    let mut plan = PlanBuilder::new(plans.gpu, "batch head", None);
    let text = &plans.config.text;
    let shape = [picks, text.hidden_size];
    gather(&mut plan, "pick", &plans.scratch.x, &batch.picks, &batch.picked, shape)?;
    let norm = NormBuffers { x: &batch.picked, norm: &plans.weights.norm, out: &batch.normed };
    rms_norm(&mut plan, "norm", norm, shape, text.rms_norm_eps)?;
    let lm_head = Matmul { x: &batch.normed, w: &plans.weights.lm_head, out: &batch.logits, rows: picks };
    matmul(&mut plan, "lm_head", lm_head, &Epilogue::default())?;
    let buffers = ScoreBuffers {
        logits: &batch.logits,
        targets: &batch.targets,
        scores: &batch.scores,
        tokens: &batch.tokens,
        rows: &batch.rows,
    };
    score_rows(&mut plan, buffers, text.vocab_size, picks, advance)?;
    plan.finish()
}
