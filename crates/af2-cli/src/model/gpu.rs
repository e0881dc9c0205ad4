//! A model loaded from its directory to a device.

use std::path::Path;

use af2_gpu::Gpu;
use af2_model::{Model, ModelLoader};
use anyhow::Result;

use super::{ModelFiles, drive, open_gpu, tuned};
use crate::terminal::byte_bar;

/// Bytes uploaded before the driver is given time to free their staging memory.
const SETTLE_AFTER: usize = 64 << 20;

/// A model on a device.
pub struct Session {
    /// The device.
    pub gpu: Gpu,
    /// The model.
    pub model: Model,
}

impl Session {
    /// Opens a device and loads the model of a directory, verifying every shard.
    ///
    /// # Errors
    /// No adapter, a file is missing, truncated or not what the index says, or the device has too little memory.
    pub fn load(dir: &Path, adapter: Option<&str>) -> Result<Self> {
        Self::load_on(tuned(open_gpu(adapter)?, dir), dir)
    }

    /// Loads the model of a directory on an open device.
    ///
    /// # Errors
    /// As [`Session::load`].
    pub fn load_on(gpu: Gpu, dir: &Path) -> Result<Self> {
        let files = ModelFiles::open(dir)?;
        let mut loader = drive(&gpu, ModelLoader::new(&gpu, &files.config, &files.tokenizer, &files.index))??;
        files.verify_small()?;
        drive(&gpu, loader.warm_up())??;
        let shards = loader.shards();
        let bar = byte_bar(shards.iter().map(|(_, bytes)| bytes).sum(), "loading");
        for (name, bytes) in &shards {
            let mut unsettled = 0;
            files.stream_shard(name, *bytes, |chunk| {
                loader.push(name, chunk)?;
                bar.inc(chunk.len() as u64);
                unsettled += chunk.len();
                if unsettled >= SETTLE_AFTER {
                    drive(&gpu, loader.settle())??;
                    unsettled = 0;
                }
                anyhow::Ok(())
            })?;
            loader.finish_shard(name)?;
        }
        let model = drive(&gpu, loader.finish())??;
        bar.finish_and_clear();
        Ok(Self { gpu, model })
    }
}
