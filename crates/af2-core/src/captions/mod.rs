//! From an answer per window to captions, and from captions to files.
//!
//! ```text
//! answer per window ── CaptionCheck ── CaptionBuilder ──► Caption ── CaptionWriter ──► srt, vtt ( ── SubtitleTimer ── ), csv, json, audacity
//! ```
//!
//! A [`Caption`] says when a sound is heard and what it is, in plain words. What subtitles need beyond that (square brackets, two lines, how
//! long a text is read) belongs to the formats that are shown on a screen; labels and tables have the sound's own times. Builder and
//! writer hold one caption each, so hours of audio take no more memory than a minute.

mod builder;
mod check;
mod edges;
mod format;
mod question;
mod subtitle;
mod table;
mod timing;
mod wording;

pub use builder::CaptionBuilder;
pub use check::CaptionCheck;
pub use edges::relevant_span;
pub use format::{CaptionFormat, CaptionWriter, UnknownFormat, format_captions};
pub use question::{CAPTION_QUESTION, CaptionQuestion, window_answer};
pub use timing::{LONGEST, SHORTEST, SHORTEST_GAP, SubtitleTimer};
pub use wording::caption_text;

/// A stretch of audio and what is heard in it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Caption {
    /// Seconds from the start of the audio.
    pub start: f64,
    /// Seconds from the start of the audio, after `start`.
    pub end: f64,
    /// What is heard, in one line and without brackets: `dog barking`.
    pub text: String,
    /// How sure the model is, in [0, 1]: that of the answer, see [`CaptionCheck`]; over several windows their mean, weighted by seconds.
    pub confidence: f32,
}

/// What the model said of one window.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowAnswer {
    /// Seconds from the start of the audio.
    pub start: f64,
    /// Where its audio ends, in seconds from the start of the audio; the padding of a last window does not count.
    pub end: f64,
    /// The answer as the model gave it.
    pub text: String,
    /// [`crate::answers::confidence`] of the answer; once it was checked, the probability that what it names is heard.
    pub confidence: f32,
    /// Whether there is nothing to hear. The model describes silence too, but what it says of it is a guess: no caption is made.
    pub silent: bool,
    /// How much the answer rests on each time of the window, \[32\]; refines the caption's edges. Without it the caption is as long as the
    /// window.
    pub relevance: Option<Vec<f32>>,
}

impl WindowAnswer {
    /// Of a window in which nothing is heard; the model need not be asked.
    pub fn silence(start: f64, end: f64) -> Self {
        Self { start, end, text: String::new(), confidence: 1.0, silent: true, relevance: None }
    }
}
