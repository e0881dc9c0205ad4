//! Questions about many audio files: a list in, one JSON line per answer out. An interrupted run resumes where it stopped.

mod list;
mod output;

pub use list::{Job, read_list};
pub use output::Output;
