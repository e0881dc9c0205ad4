//! The CPU engine, compared with the original implementation; then the GPU engine, compared with the CPU engine.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod against_engine;
mod golden;
mod scoring;
