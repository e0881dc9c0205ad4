//! Log-probabilities of given texts, and where in the audio they look.

use std::ops::Range;

use af2_core::engine::{
    AudioView, EngineError, Query, ScoreRequest, Scores, TIMES_PER_WINDOW, check_scoring, log_softmax_at,
};

use crate::audio_kv::AudioKv;
use crate::taps::Taps;
use crate::{Clip, CpuError};

/// Requests being scored, one per step: a caller that must see to other things does so between two of them.
pub struct Scoring<'a> {
    clip: &'a Clip,
    requests: &'a [ScoreRequest],
    scores: Vec<Scores>,
}

impl Scoring<'_> {
    /// Scores the next request; false once all are done.
    ///
    /// # Errors
    /// [`EngineError::NotFinite`], or the tensor library failed.
    pub async fn step(&mut self) -> Result<bool, CpuError> {
        let Some(request) = self.requests.get(self.scores.len()) else { return Ok(false) };
        self.scores.push(self.clip.score_one(request).await?);
        Ok(true)
    }

    /// Requests that are done.
    pub fn done(&self) -> usize {
        self.scores.len()
    }

    /// `[request][continuation][token]` of the requests that are done.
    pub fn finish(self) -> Vec<Scores> {
        self.scores
    }
}

impl Clip {
    /// Starts to score; no request has been computed yet.
    ///
    /// # Errors
    /// As [`check_scoring`].
    pub fn start_scoring<'a>(&'a self, requests: &'a [ScoreRequest]) -> Result<Scoring<'a>, CpuError> {
        check_scoring(self.model.config(), requests, self.windows())?;
        Ok(Scoring { clip: self, requests, scores: Vec::new() })
    }

    /// Log-probabilities of continuations, `[request][continuation][token]`. `progress` is told how many of how many requests are done, and
    /// stops the work by returning false.
    ///
    /// # Errors
    /// As [`Clip::start_scoring`] and [`Scoring::step`], or [`EngineError::Cancelled`].
    pub async fn score(
        &self,
        requests: &[ScoreRequest],
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Vec<Scores>, CpuError> {
        let mut scoring = self.start_scoring(requests)?;
        while scoring.step().await? {
            if !progress(scoring.done(), requests.len()) {
                return Err(EngineError::Cancelled.into());
            }
        }
        Ok(scoring.finish())
    }

    async fn score_one(&self, request: &ScoreRequest) -> Result<Scores, CpuError> {
        let audio_kv = self.seen(&request.query.view);
        let mut cache = self.model.0.decoder.cache();
        let first = self.last_logits(&request.query.prompt, &audio_kv, &mut cache, 1).await?;
        let mut scores = Vec::with_capacity(request.continuations.len());
        for continuation in &request.continuations {
            let known = &continuation[..continuation.len() - 1];
            let mut rows = first.clone();
            if !known.is_empty() {
                rows.extend(self.last_logits(known, &audio_kv, &mut cache.clone(), known.len()).await?);
            }
            scores.push(rows.chunks(first.len()).zip(continuation).map(|(row, id)| log_softmax_at(row, *id)).collect());
        }
        Ok(scores)
    }

    /// How much the tokens `ids` of an answer attend to each time of the audio, [32 · windows], with sum 1: over all layers, heads and
    /// tokens, the attention weight times the norm of the value times |tanh(gate)|. A token counts with the attention of the position that
    /// predicts it.
    ///
    /// # Errors
    /// As [`Clip::start_scoring`], or the tensor library failed.
    pub async fn attention(&self, query: &Query, ids: &[u32]) -> Result<Vec<f32>, CpuError> {
        let request = ScoreRequest { query: query.clone(), continuations: vec![ids.to_vec()] };
        check_scoring(self.model.config(), std::slice::from_ref(&request), self.windows())?;
        let view = &query.view;
        let (audio_kv, decoder) = (self.seen(view), &self.model.0.decoder);
        let known = [&query.prompt, &ids[..ids.len() - 1]].concat();
        let (before, rows) = known.split_at(query.prompt.len() - 1);
        let mut cache = decoder.cache();
        if !before.is_empty() {
            decoder.forward(before, &audio_kv, &mut cache, &mut Taps::default());
        }
        let mut taps = Taps::relevance();
        decoder.forward(rows, &audio_kv, &mut cache, &mut taps);
        let mut relevance = vec![0.0_f32; self.windows() * TIMES_PER_WINDOW];
        let times: Vec<usize> = visible(view).into_iter().flatten().collect();
        if let Some(sum) = taps.relevance_sum() {
            let sum = sum.into_data_async().await.map_err(|error| CpuError::Backend(error.to_string()))?;
            for (token, weight) in times.into_iter().zip(sum.iter::<f32>()) {
                relevance[token / (2 * TIMES_PER_WINDOW) * TIMES_PER_WINDOW + token % TIMES_PER_WINDOW] += weight;
            }
        }
        let total: f32 = relevance.iter().sum();
        if total > 0.0 {
            relevance.iter_mut().for_each(|weight| *weight /= total);
        }
        Ok(relevance)
    }

    /// The audio keys and values that a view shows.
    pub(crate) fn seen(&self, view: &AudioView) -> Vec<Option<AudioKv>> {
        if *view == AudioView::whole(self.windows()) {
            return self.audio_kv.clone();
        }
        let visible = visible(view);
        self.audio_kv.iter().map(|kv| Some(kv.as_ref()?.of(&visible))).collect()
    }
}

/// Ranges of the audio tokens that a view shows, in order.
fn visible(view: &AudioView) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for half in view.windows.start * 2..view.windows.end * 2 {
        let (first, token) = (half / 2 * TIMES_PER_WINDOW, half * TIMES_PER_WINDOW);
        let hidden = |time: usize| time.saturating_sub(first).min(TIMES_PER_WINDOW);
        let (start, end) = (hidden(view.hidden.start), hidden(view.hidden.end));
        let parts = if start < end { [0..start, end..TIMES_PER_WINDOW] } else { [0..TIMES_PER_WINDOW, 0..0] };
        ranges
            .extend(parts.into_iter().filter(|part| !part.is_empty()).map(|part| token + part.start..token + part.end));
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_hides_both_halves_of_the_spectrum() {
        let tokens = |view: AudioView| visible(&view).into_iter().flatten().collect::<Vec<_>>();
        assert_eq!(tokens(AudioView::whole(2)), (0..128).collect::<Vec<_>>());
        assert_eq!(tokens(AudioView::window(1)), (64..128).collect::<Vec<_>>());
        assert!(tokens(AudioView::whole(2).silent()).is_empty());
        let cut = tokens(AudioView::whole(2).hiding(30..34));
        let hidden: Vec<usize> = (0..128).filter(|token| !cut.contains(token)).collect();
        assert_eq!(hidden, [30, 31, 62, 63, 64, 65, 96, 97]);
    }
}
