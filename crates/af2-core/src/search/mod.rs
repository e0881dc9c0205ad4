//! Finds a described sound in encoded windows.
//!
//! ```text
//! windows of an index ── SearchQuery::requests ── (Heard::score) ── SearchQuery::judge ──► Judgement ── TopHits ──► SearchHit
//! ```
//!
//! The model has no embedding of text that could be compared with one of audio: a window is searched by asking about it. What is asked
//! is scored, not generated, so that a window costs one pass over a short prompt per question.

mod hits;
mod query;

pub use hits::{SearchHit, TopHits, WindowMatch};
pub use query::{Judgement, SearchBy, SearchQuery};
