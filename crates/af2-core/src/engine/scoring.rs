//! Several sequences about one clip: which part of the audio each hears, what is asked of it, and its log-probabilities.

use std::ops::Range;

use super::{EngineError, TOKENS_PER_WINDOW};

/// Steps of time that the encoder's tokens of a window stand for: 32 of 0.3125 s, each with a token for the lower half of the spectrum
/// (tokens 0 to 31) and one for the upper half (32 to 63).
pub const TIMES_PER_WINDOW: usize = TOKENS_PER_WINDOW / 2;

/// Most alternatives that are returned per token.
pub const MOST_TOP_LOGPROBS: usize = 20;

/// The part of a clip's audio that a sequence attends to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioView {
    /// Windows that it attends to.
    pub windows: Range<usize>,
    /// Times that it does not attend to all the same, counted from the clip's first window, [`TIMES_PER_WINDOW`] per window. A sequence
    /// from which all audio is hidden gets zero from every cross-attention: what is left is the model of the text.
    pub hidden: Range<usize>,
}

impl AudioView {
    /// All of a clip of `windows` windows.
    pub fn whole(windows: usize) -> Self {
        Self { windows: 0..windows, hidden: 0..0 }
    }

    /// One window.
    pub fn window(index: usize) -> Self {
        Self { windows: index..index + 1, hidden: 0..0 }
    }

    /// The same without some times.
    pub fn hiding(self, times: Range<usize>) -> Self {
        Self { hidden: times, ..self }
    }

    /// The same without any audio.
    pub fn silent(self) -> Self {
        let times = self.times();
        self.hiding(times)
    }

    /// The times of its windows, hidden ones included.
    pub fn times(&self) -> Range<usize> {
        self.windows.start * TIMES_PER_WINDOW..self.windows.end * TIMES_PER_WINDOW
    }

    /// Checks it against a clip of `windows` windows.
    ///
    /// # Errors
    /// [`EngineError::NoSuchWindow`] for a window that the clip has not, or for none.
    pub fn check(&self, windows: usize) -> Result<(), EngineError> {
        let inside = self.windows.start < self.windows.end && self.windows.end <= windows;
        if inside { Ok(()) } else { Err(EngineError::NoSuchWindow { found: self.windows.clone(), windows }) }
    }
}

/// A prompt, and the audio that its sequence attends to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Token ids of the prompt.
    pub prompt: Vec<u32>,
    /// The audio.
    pub view: AudioView,
}

/// Continuations of a prompt whose log-probabilities are wanted. The prompt is evaluated once for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreRequest {
    /// Prompt and audio.
    pub query: Query,
    /// Token ids of each continuation, at least one; the end token only where its probability is wanted.
    pub continuations: Vec<Vec<u32>>,
}

/// Log-probabilities of a [`ScoreRequest`], `[continuation][token]`: log softmax of the logits, without temperature or penalty.
pub type Scores = Vec<Vec<f32>>;

/// A token and its log-probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenLogprob {
    /// Token id.
    pub id: u32,
    /// Log softmax of its logit, without temperature or penalty.
    pub logprob: f32,
}

/// log softmax of `logits`, \[V\], at one id; −∞ for an id beyond them.
pub fn log_softmax_at(logits: &[f32], id: u32) -> f32 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits.iter().map(|logit| f64::from(logit - largest).exp()).sum();
    logits.get(id as usize).map_or(f32::NEG_INFINITY, |logit| (f64::from(logit - largest) - total.ln()) as f32)
}

/// The `count` most likely tokens of `logits`, \[V\], most likely first; of equal ones the smaller id first.
pub fn top_logprobs(logits: &[f32], count: usize) -> Vec<TokenLogprob> {
    let mut ids: Vec<u32> = (0..logits.len() as u32).collect();
    let by_logit = |a: &u32, b: &u32| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b));
    let count = count.min(ids.len());
    if count > 0 && count < ids.len() {
        ids.select_nth_unstable_by(count - 1, by_logit);
    }
    ids.truncate(count);
    ids.sort_by(by_logit);
    ids.into_iter().map(|id| TokenLogprob { id, logprob: log_softmax_at(logits, id) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_sum_to_one_and_are_ranked() {
        let logits = [1.0, 3.0, -2.0, 3.0, 0.5];
        let total: f32 = (0..5).map(|id| log_softmax_at(&logits, id).exp()).sum();
        assert!((total - 1.0).abs() < 1e-6, "{total}");
        let top: Vec<u32> = top_logprobs(&logits, 3).iter().map(|token| token.id).collect();
        assert_eq!(top, [1, 3, 0]);
        assert_eq!(top_logprobs(&logits, 9).len(), 5);
        assert!(top_logprobs(&logits, 0).is_empty());
        assert_eq!(log_softmax_at(&logits, 5), f32::NEG_INFINITY);
    }

    #[test]
    fn a_view_is_inside_its_clip() {
        assert!(AudioView::whole(3).check(3).is_ok());
        assert!(AudioView::window(3).check(3).is_err());
        assert!(AudioView::whole(0).check(3).is_err());
        assert_eq!(AudioView::window(2).silent().hidden, 64..96);
    }
}
