//! What the tests of the whole workspace share: reference fixtures, converted toy models, and comparisons.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

pub mod compare;
pub mod fixtures;
pub mod golden;
