//! Benchmarks of audio question answering: their files, prompts, scoring rules and reports.
//!
//! Knows no engine: the caller answers the items, this crate reads, asks and scores.
