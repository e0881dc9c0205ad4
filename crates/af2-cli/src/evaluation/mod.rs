//! A benchmark's items as jobs of a batch, and the folder that holds what came of them.

mod folder;
mod jobs;
mod origin;

pub use folder::ReportFolder;
pub use jobs::{jobs, options_by_id};
pub use origin::run_of;
