//! Questions about many sounds: a list goes in, one JSON line per answer comes out, and a run that was cut goes on where it stopped.

mod list;
mod output;

pub use list::{Job, read_list};
pub use output::Output;
