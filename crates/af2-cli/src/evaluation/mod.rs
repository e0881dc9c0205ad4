//! A benchmark's items as jobs of a batch, and the folder that holds what came of them.

mod demo;
mod folder;
mod hours;
mod jobs;
mod lazy_engine;
mod origin;
mod parts;

pub use demo::DemoPlan;
pub use folder::ReportFolder;
pub use hours::HoursRun;
pub use jobs::{jobs, wanted_by_id};
pub use lazy_engine::LazyEngine;
pub use origin::run_of;
pub use parts::{DemoOptions, Part, Parts};
