//! What an engine's answer is, whichever engine gave it.

/// Positions a sequence may have: the longest prompt of the chain-of-thought entry and its longest answer.
pub const MOST_POSITIONS: usize = 2048;

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinishReason {
    /// The model ended it.
    EndOfText,
    /// The limit was reached.
    Length,
    /// The caller stopped it.
    Stopped,
}

/// An answer as token ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Generation {
    /// New tokens, the end token included.
    pub ids: Vec<u32>,
    /// Why it ended.
    pub finish: FinishReason,
    /// Logits that chose each token, if they were kept.
    pub logits: Vec<Vec<f32>>,
}
