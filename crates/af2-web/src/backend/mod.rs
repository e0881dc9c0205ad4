//! The engine behind the classes, chosen at compile time: two modules are built from this crate, and a browser fetches one of them.
//!
//! The classes call the engines' common methods directly: `ModelLoader::{push, finish_shard, restart_shard}`,
//! `Model::{config, tokenizer}`, `Clip::model`. The engines differ in that one waits for a GPU and the other keeps the thread busy:
//! for the rest each file here has the same items, `BATCH`, `Device`, `settle`, `finish`, `open`, `release`, `listen`, `generate`,
//! `encode`, `hear`, `generate_many`, `score`, `attention`, `tune`, `gpu_report` and `thrown`.

#[cfg(feature = "cpu")]
mod cpu;
#[cfg(not(feature = "cpu"))]
mod webgpu;

#[cfg(feature = "cpu")]
pub use cpu::*;
#[cfg(not(feature = "cpu"))]
pub use webgpu::*;
