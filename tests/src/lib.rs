//! What the tests of the whole workspace share: fixtures, golden values, converted toy models, and comparisons.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

pub mod compare;
pub mod fixtures;
pub mod golden;
pub mod hub;
pub mod random_model;
