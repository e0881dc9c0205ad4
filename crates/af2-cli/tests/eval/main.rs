//! `af2 eval` as its users run it: data sets in the published layouts, answers of a model or of a file, reports and comparisons.

#![allow(clippy::unwrap_used)]

mod data_set;
mod demo;
mod model;
mod twin;
