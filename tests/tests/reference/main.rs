//! The reference network in Burn: against the original implementation, and as the judge of the engine.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod against_engine;
mod golden;
mod random_model;
