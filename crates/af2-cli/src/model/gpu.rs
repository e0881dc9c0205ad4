//! The GPU engine: a model loaded from its directory to a device, and driven from there.

use std::collections::HashMap;
use std::path::Path;

use af2_core::audio::Windows;
use af2_core::config::ModelConfig;
use af2_core::engine::{GenerateOptions, Generation, Trace};
use af2_core::text::Tokenizer;
use af2_gpu::{Gpu, Span};
use af2_model::{Clip, Model, ModelLoader};
use anyhow::Result;

use super::{Engine, Heard, ModelFiles, drive, open_gpu, tuned};
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
        Self::load_on(tuned(open_gpu(adapter)?), dir)
    }

    /// Loads the model of a directory on an open device.
    ///
    /// # Errors
    /// As [`Session::load`].
    pub fn load_on(gpu: Gpu, dir: &Path) -> Result<Self> {
        let files = ModelFiles::open(dir)?;
        let mut loader = drive(&gpu, ModelLoader::new(&gpu, &files.config, &files.tokenizer, &files.index))??;
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

impl Engine for Model {
    fn config(&self) -> &ModelConfig {
        self.config()
    }

    fn tokenizer(&self) -> &Tokenizer {
        self.tokenizer()
    }

    fn name(&self) -> &str {
        &self.gpu().info().name
    }

    fn listen(&self, windows: &Windows, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<Box<dyn Heard>> {
        Ok(Box::new(drive(self.gpu(), self.listen(windows, progress))??))
    }

    fn trace(&self, windows: &Windows, prompt: &[u32], max_new_tokens: usize) -> Result<Trace> {
        Ok(drive(self.gpu(), self.trace(windows, prompt, max_new_tokens, &HashMap::new()))??)
    }
}

impl Heard for Clip {
    fn generate(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation> {
        let gpu = self.model().gpu().clone();
        Ok(drive(&gpu, self.generate(prompt, options, on_token))??)
    }

    fn beam_search(&mut self, prompt: &[u32], beams: usize, max_new_tokens: usize) -> Result<Vec<u32>> {
        let gpu = self.model().gpu().clone();
        Ok(drive(&gpu, self.beam_search(prompt, beams, max_new_tokens, &mut |_| true))??)
    }

    fn profile_step(&self) -> Result<Option<Vec<Span>>> {
        Ok(drive(self.model().gpu(), self.profile_step())??)
    }
}
