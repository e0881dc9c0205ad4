//! What is measured of the demo model beside its answers, on recordings whose sounds are known: options weighed, how honest the confidence
//! is, whether relevance finds the sound, captions and search of hours of audio, memory.
//!
//! Everything here is arithmetic on lines that were written before: what an engine computes is made by the command line.

mod choices;
mod confidence;
mod diagram;
mod events;
mod hours;
mod lettered;
mod memory;
mod places;
mod recordings;
mod report;
mod sets;
#[cfg(test)]
mod tests;

pub use choices::{ChoiceFigure, choices};
pub use confidence::{BinFigure, ConfidenceFigure, ValueFigure, confidence};
pub use diagram::reliability_svg;
pub use hours::{CaptionMatch, Hours, HoursFigure, HoursTask, SearchFigure, with_article};
pub use lettered::lettered_options;
pub use memory::{MemoryFigure, PEAK_MEMORY};
pub use places::{PlaceFigure, places};
pub use recordings::{Event, Question, Recording};
pub use report::DemoReport;

/// Bins of a reliability diagram.
const BINS: usize = 10;
