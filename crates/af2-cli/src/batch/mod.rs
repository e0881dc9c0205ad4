//! Questions about many audio files: a list in, one JSON line per answer out. An interrupted run resumes where it stopped.

mod lines;
mod list;
mod output;
mod record;
mod run;

pub use list::{Job, parse_list, read_list};
pub use output::Output;
pub use record::Origin;
pub use run::{Batch, Done};
