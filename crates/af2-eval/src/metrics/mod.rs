//! Scoring rules of the benchmarks. All of it is arithmetic on texts: no files, no engine, no clock.
//!
//! Official rules are reproduced with their quirks, each in its own module, so that a figure can be compared with published ones. What a
//! quirk costs is seen beside [`option_map`], which first maps an answer to the option it means.
//!
//! Every rule takes time linear in the length of the prediction and accepts any text.

pub mod air_bench;
pub mod calibration;
pub mod captions;
pub mod clotho_aqa;
pub mod label;
pub mod lmms;
pub mod muchomusic;
pub mod option_map;
pub mod ranking;
pub mod reasoning;
pub mod statistics;
pub mod string_match;
mod text;
#[cfg(test)]
mod traps;
#[cfg(test)]
mod twin;
pub mod words;
pub mod yes_no;
