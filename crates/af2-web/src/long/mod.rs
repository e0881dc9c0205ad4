//! Audio of any length: captions, an index and searches, a batch of windows per step.
//!
//! All are one class for JavaScript, because every class costs the page some hundred bytes.

mod captioner;
mod glance;
mod hearing;
mod indexer;
mod library;
mod search;
mod task;
