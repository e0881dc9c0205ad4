//! Several answers at once: the sequences advance together, rows of one matmul instead of a matvec each.

use std::collections::VecDeque;

use af2_core::engine::{EngineError, GenerateOptions, Generation, Query, check_together};
use af2_gpu::PlanInfo;
use af2_gpu::ops::score_rows::Score;

use crate::batch::{BatchRunner, Lane, PlannedRow, Readback, collect};
use crate::lookahead::Lookahead;
use crate::{Clip, ModelError};

/// Sequences that advance together.
const TOGETHER: usize = 8;
/// Most cache rows that they share: 300 MB in the 3B model. Long prompts and answers make them fewer.
const CACHE_ROWS: usize = 4096;

impl Clip {
    /// Greedy answers to several queries, up to 8 of them decoded together; the same as one by one. `progress` is told how many of how
    /// many answers have ended, and stops the work by returning false.
    ///
    /// # Errors
    /// As [`check_together`], [`EngineError::Cancelled`], [`EngineError::NotFinite`], [`ModelError::Busy`], or the device failed.
    pub async fn generate_many(
        &mut self,
        queries: &[Query],
        options: &GenerateOptions,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Vec<Generation>, ModelError> {
        let model = self.model.clone();
        check_together(model.config(), queries, options, self.windows())?;
        let _busy = model.reserve()?;
        let longest = queries.iter().map(|query| query.prompt.len() + options.max_new_tokens).max().unwrap_or(1);
        let together = (CACHE_ROWS / longest).clamp(1, TOGETHER);
        let mut all = Vec::with_capacity(queries.len());
        for group in queries.chunks(together) {
            let ended = all.len();
            let mut tell = |count: usize| progress(ended + count, queries.len());
            let mut decoding = Decoding::start(self, group, options, longest).await?;
            decoding.run(&mut tell).await?;
            all.extend(decoding.generations);
        }
        Ok(all)
    }

    /// What one step of `rows` sequences takes, a power of two: all matrices are read once for all of them.
    ///
    /// # Errors
    /// The device failed or has too little memory.
    pub async fn batch_info(&self, rows: usize) -> Result<PlanInfo, ModelError> {
        let mut runner = BatchRunner::new(self, rows).await?;
        let layers = runner.layers(rows).await?.info();
        let head = runner.head(rows, true).await?.info();
        Ok(PlanInfo {
            dispatches: layers.dispatches + head.dispatches,
            weight_bytes: layers.weight_bytes + head.weight_bytes,
            flops: layers.flops + head.flops,
        })
    }
}

/// Answers being decoded together.
struct Decoding<'a> {
    runner: BatchRunner<'a>,
    options: &'a GenerateOptions,
    end_of_text: u32,
    lanes: Vec<Lane>,
    prompt_lengths: Vec<usize>,
    generations: Vec<Generation>,
    lookahead: Lookahead,
}

impl<'a> Decoding<'a> {
    /// Evaluates the prompts and chooses the first tokens.
    async fn start(
        clip: &'a Clip,
        queries: &[Query],
        options: &'a GenerateOptions,
        longest: usize,
    ) -> Result<Self, ModelError> {
        let mut runner = BatchRunner::new(clip, queries.len() * longest).await?;
        let starts = (0..queries.len()).map(|index| index * longest);
        let lanes: Vec<Lane> = starts.zip(queries).map(|(own, query)| Lane::new((own, 0), own, &query.view)).collect();
        let mut rows = Vec::new();
        for (index, (query, lane)) in queries.iter().zip(&lanes).enumerate() {
            let last = query.prompt.len() - 1;
            rows.extend(query.prompt.iter().enumerate().map(|(position, token)| PlannedRow {
                token: *token,
                row: lane.row(position),
                targets: if position == last { vec![(0, index)] } else { Vec::new() },
            }));
        }
        let mut generations = vec![Generation::new(); queries.len()];
        if options.max_new_tokens > 0 {
            let first = runner.run(&rows).await?;
            generations.iter_mut().zip(first).for_each(|(generation, score)| append(generation, score));
        }
        let prompt_lengths = queries.iter().map(|query| query.prompt.len()).collect();
        let end_of_text = clip.model.config().tokens.end_of_text;
        let lookahead = Lookahead::new(options.lookahead);
        Ok(Self { runner, options, end_of_text, lanes, prompt_lengths, generations, lookahead })
    }

    /// Decodes until all answers have ended. Where half of them have, the others go on alone.
    async fn run(&mut self, tell: &mut dyn FnMut(usize) -> bool) -> Result<(), ModelError> {
        loop {
            let live = self.live();
            if !tell(self.generations.len() - live.len()) {
                return Err(EngineError::Cancelled.into());
            }
            if live.is_empty() {
                return Ok(());
            }
            let mut in_flight = VecDeque::new();
            let result = self.advance(&live, &mut in_flight).await;
            while let Some(readback) = in_flight.pop_front() {
                // Staging buffers in flight must not be dropped before they are mapped.
                drop(collect(readback, &mut []).await);
            }
            result?;
        }
    }

    /// The answers that have not ended.
    fn live(&mut self) -> Vec<usize> {
        let (options, end) = (self.options, self.end_of_text);
        let going = self.generations.iter_mut().enumerate().filter_map(|(index, generation)| {
            let ended = generation.has_ended(options, end);
            (!ended).then_some(index)
        });
        going.collect()
    }

    /// Advances the live answers until half of them have ended.
    async fn advance(&mut self, live: &[usize], in_flight: &mut VecDeque<Readback>) -> Result<(), ModelError> {
        let rows: Vec<PlannedRow> = live.iter().map(|index| self.last_row(*index)).collect();
        let picks: Vec<(usize, u32)> = (0..rows.len().next_power_of_two()).map(|row| (row, 0)).collect();
        let filled = self.runner.write_rows(&rows);
        self.runner.write_picks(&picks);
        // All live answers have the same number of tokens.
        let known = live.first().map_or(0, |index| self.generations[*index].ids.len());
        let mut left = self.options.max_new_tokens - known;
        let mut going = live.len();
        loop {
            while left > 0 && in_flight.len() < self.lookahead.steps() && 2 * going > filled {
                in_flight.push_back(self.runner.step(filled).await?);
                left -= 1;
            }
            let Some(readback) = in_flight.pop_front() else { return Ok(()) };
            let mut scores = vec![Score::default(); filled];
            collect(readback, &mut scores).await?;
            self.lookahead.observe(in_flight.iter_mut().map(Readback::mapping));
            for (index, score) in live.iter().zip(scores) {
                let generation = &mut self.generations[*index];
                if !generation.has_ended(self.options, self.end_of_text) {
                    append(generation, score);
                }
            }
            let ended = live.iter().filter(|index| self.has_ended(**index)).count();
            going = live.len() - ended;
            if going == 0 {
                return Ok(());
            }
        }
    }

    fn has_ended(&self, index: usize) -> bool {
        self.generations[index].clone().has_ended(self.options, self.end_of_text)
    }

    /// The row of an answer's last token.
    fn last_row(&self, index: usize) -> PlannedRow {
        let ids = &self.generations[index].ids;
        let position = self.prompt_lengths[index] + ids.len() - 1;
        let token = ids.last().copied().unwrap_or_default();
        PlannedRow { token, row: self.lanes[index].row(position), targets: Vec::new() }
    }
}

fn append(generation: &mut Generation, score: Score) {
    generation.ids.push(score.token);
    generation.logprobs.push(score.logprob);
}
