//! Log-probabilities of given texts, and where in the audio they look.

use af2_core::engine::{EngineError, Query, ScoreRequest, Scores, TIMES_PER_WINDOW, check_scoring};

use crate::batch::{BatchRunner, Lane, PlannedRow};
use crate::{Clip, ModelError};

/// Cache rows that requests share at a time, if one of them does not need more.
const CACHE_ROWS: usize = 1024;

impl Clip {
    /// Log-probabilities of continuations, `[request][continuation][token]`. `progress` is told how many of how many requests are done, and
    /// stops the work by returning false.
    ///
    /// # Errors
    /// As [`check_scoring`], [`EngineError::Cancelled`], [`EngineError::NotFinite`], [`ModelError::Busy`], or the device failed.
    pub async fn score(
        &mut self,
        requests: &[ScoreRequest],
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Vec<Scores>, ModelError> {
        let model = self.model.clone();
        check_scoring(model.config(), requests, self.windows())?;
        let _busy = model.reserve()?;
        let mut all = Vec::with_capacity(requests.len());
        while all.len() < requests.len() {
            let group = together(&requests[all.len()..]);
            let cache_rows = group.iter().map(cache_rows).sum();
            let scores = BatchRunner::new(self, cache_rows).await?.run(&plan(group)).await?;
            let mut logprobs = scores.into_iter().map(|score| score.target_logprob);
            for request in group {
                let lengths = request.continuations.iter().map(Vec::len);
                all.push(lengths.map(|length| logprobs.by_ref().take(length).collect()).collect());
            }
            if !progress(all.len(), requests.len()) {
                return Err(EngineError::Cancelled.into());
            }
        }
        Ok(all)
    }

    /// How much the tokens `ids` of an answer attend to each time of the audio, [32 · windows], with sum 1: over all layers, heads and
    /// tokens, the attention weight times the norm of the value times |tanh(gate)|. A token counts with the attention of the position that
    /// predicts it.
    ///
    /// # Errors
    /// As [`Clip::score`].
    pub async fn attention(&mut self, query: &Query, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        let model = self.model.clone();
        let request = ScoreRequest { query: query.clone(), continuations: vec![ids.to_vec()] };
        check_scoring(model.config(), std::slice::from_ref(&request), self.windows())?;
        let _busy = model.reserve()?;
        let mut rows = plan(std::slice::from_ref(&request));
        rows.iter_mut().for_each(|row| row.targets.clear());
        let mut runner = BatchRunner::new(self, cache_rows(&request)).await?;
        let tokens = runner.relevance(&rows, query.prompt.len() - 1).await?;
        let windows = tokens.chunks_exact(2 * TIMES_PER_WINDOW);
        let mut times: Vec<f32> = windows
            .flat_map(|window| {
                let (low, high) = window.split_at(TIMES_PER_WINDOW);
                low.iter().zip(high).map(|(low, high)| low + high)
            })
            .collect();
        let total: f32 = times.iter().sum();
        if total > 0.0 {
            times.iter_mut().for_each(|weight| *weight /= total);
        }
        Ok(times)
    }
}

/// Cache rows of a request: the last token of a continuation is not computed.
fn cache_rows(request: &ScoreRequest) -> usize {
    request.query.prompt.len() + request.continuations.iter().map(|ids| ids.len() - 1).sum::<usize>()
}

/// The first requests that fit in [`CACHE_ROWS`]; one at least.
fn together(requests: &[ScoreRequest]) -> &[ScoreRequest] {
    let mut rows = 0;
    let fits = |request: &&ScoreRequest| {
        rows += cache_rows(request);
        rows <= CACHE_ROWS
    };
    let count = requests.iter().take_while(fits).count();
    &requests[..count.max(1).min(requests.len())]
}

/// The rows of requests: each prompt, then its continuations. Results are in the order of requests, continuations and tokens.
fn plan(requests: &[ScoreRequest]) -> Vec<PlannedRow> {
    let (mut rows, mut cache, mut place) = (Vec::new(), 0, 0);
    for ScoreRequest { query, continuations } in requests {
        let prefix = (cache, query.prompt.len());
        let lane = Lane::new(prefix, 0, &query.view);
        for (position, token) in query.prompt.iter().enumerate() {
            rows.push(PlannedRow { token: *token, row: lane.row(position), targets: Vec::new() });
        }
        let last = rows.len() - 1;
        cache += query.prompt.len();
        for ids in continuations {
            let lane = Lane::new(prefix, cache, &query.view);
            rows[last].targets.push((ids[0], place));
            for (index, pair) in ids.windows(2).enumerate() {
                let targets = vec![(pair[1], place + 1 + index)];
                rows.push(PlannedRow { token: pair[0], row: lane.row(prefix.1 + index), targets });
            }
            cache += ids.len() - 1;
            place += ids.len();
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use af2_core::engine::AudioView;

    use super::*;

    #[test]
    fn continuations_share_their_prompt() {
        let query = Query { prompt: vec![5, 6, 7], view: AudioView::window(1) };
        let requests = [
            ScoreRequest { query: query.clone(), continuations: vec![vec![8], vec![9, 10, 11]] },
            ScoreRequest { query, continuations: vec![vec![12, 13]] },
        ];
        let rows = plan(&requests);
        let tokens: Vec<u32> = rows.iter().map(|row| row.token).collect();
        assert_eq!(tokens, [5, 6, 7, 9, 10, 5, 6, 7, 12]);
        let positions: Vec<u32> = rows.iter().map(|row| row.row.position).collect();
        assert_eq!(positions, [0, 1, 2, 3, 4, 0, 1, 2, 3]);
        let wanted: Vec<(u32, usize)> = rows.iter().flat_map(|row| row.targets.clone()).collect();
        assert_eq!(wanted, [(8, 0), (9, 1), (10, 2), (11, 3), (12, 4), (13, 5)]);
        // The last row is behind both prompts and the two tokens of the continuation before.
        assert_eq!(rows[8].row.own_base.wrapping_add(3), 8);
        assert_eq!((rows[8].row.prefix_base, rows[8].row.prefix_length, rows[8].row.audio_first), (5, 3, 64));
        assert_eq!(requests.iter().map(cache_rows).sum::<usize>(), 9);
    }
}
