//! What `af2 serve` answers with: one engine on one thread, encoded clips at hand, and audio from the network where that is allowed.

mod address;
mod clips;
mod fetch;
mod worker;

pub use fetch::{Download, Reach};
pub use worker::Worker;
