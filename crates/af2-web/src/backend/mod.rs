//! The engine behind the classes, chosen when the module is compiled: two modules are built from this crate, and a browser
//! fetches one of them.
//!
//! Where the engines' crates use the same words, the classes use those: `ModelLoader::{push, finish_shard, restart_shard}`,
//! `Model::{config, tokenizer}`, `Clip::model`, `GenerateOptions`. Where they differ, because one waits for a GPU and the other keeps
//! the thread busy, each file here says the same in its own way: `Device`, `settle`, `finish`, `listen`, `generate`,
//! `tune`, `gpu_report`, `thrown`.

#[cfg(feature = "processor")]
mod processor;
#[cfg(not(feature = "processor"))]
mod webgpu;

#[cfg(feature = "processor")]
pub use processor::*;
#[cfg(not(feature = "processor"))]
pub use webgpu::*;
