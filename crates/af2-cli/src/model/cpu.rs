//! The CPU engine: the network of `af2-cpu`, loaded from a model's directory.

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use af2_core::audio::Windows;
use af2_core::config::ModelConfig;
use af2_core::engine::{GenerateOptions, Generation, Query, ScoreRequest, Scores, TokenRules, Trace, check_tokens};
use af2_core::text::Tokenizer;
use af2_cpu::{Backend, Clip, Model, ModelLoader};
use af2_gpu::Span;
use anyhow::Result;
use pollster::block_on;

use super::memory::{check_clip, check_memory, free_memory, leaves_room};
use super::{Baseline, Engine, Heard, Measurement, ModelFiles};

/// Name of the CPU engine where a GPU's adapter would be named; none where it was not built.
pub const CPU_NAME: Option<&str> = Some(NAME);
const NAME: &str = "CPU (Burn, burn-flex)";

/// Loads the model of a directory, verifying every shard. Matrices stay packed.
///
/// # Errors
/// A file is missing, truncated or not what the index says, or the machine has too little free memory.
pub(super) fn load(dir: &Path) -> Result<Box<dyn Engine>> {
    Ok(Box::new(load_on(Backend::Cpu, dir)?))
}

/// Whether the model of a directory leaves at least as much memory free as it takes. For the default engine: a model that
/// just fits would push everything else out of memory.
///
/// # Errors
/// A small file is missing or not what it should be.
pub(super) fn fits_easily(dir: &Path) -> Result<bool> {
    Ok(leaves_room(open(Backend::Cpu, &ModelFiles::open(dir)?)?.needed_bytes(), free_memory()))
}

fn load_on(backend: Backend, dir: &Path) -> Result<Model> {
    let files = ModelFiles::open(dir)?;
    let mut loader = open(backend, &files)?;
    files.verify_small()?;
    check_memory(loader.needed_bytes(), free_memory())?;
    for (name, bytes) in loader.shards() {
        files.stream_shard(&name, bytes, |chunk| anyhow::Ok(loader.push(&name, chunk)?))?;
        loader.finish_shard(&name)?;
    }
    Ok(loader.finish()?)
}

fn open(backend: Backend, files: &ModelFiles) -> Result<ModelLoader> {
    Ok(ModelLoader::new(backend, &files.config, &files.tokenizer, &files.index)?)
}

impl Engine for Model {
    fn config(&self) -> &ModelConfig {
        self.config()
    }

    fn tokenizer(&self) -> &Tokenizer {
        self.tokenizer()
    }

    fn name(&self) -> String {
        NAME.into()
    }

    fn clip_bytes(&self, windows: usize) -> u64 {
        self.clip_bytes(windows)
    }

    fn listen(&self, windows: &Windows, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<Box<dyn Heard>> {
        check_clip(windows.count, self.clip_bytes(windows.count), free_memory())?;
        Ok(Box::new(self.listen(windows, progress)?))
    }

    fn encode(&self, windows: &Windows, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<Vec<f32>> {
        Ok(self.encode(windows, progress)?)
    }

    fn hear(&self, tokens: &[f32], apart: bool) -> Result<Box<dyn Heard>> {
        let windows = check_tokens(self.config(), tokens)?;
        check_clip(windows, self.clip_bytes(windows), free_memory())?;
        Ok(Box::new(self.hear(tokens, apart)?))
    }

    fn trace(&self, windows: &Windows, prompt: &[u32], max_new_tokens: usize) -> Result<Trace> {
        Ok(block_on(self.trace(windows, prompt, max_new_tokens, &HashMap::new()))?)
    }
}

impl Heard for Clip {
    fn windows(&self) -> usize {
        self.windows()
    }

    fn generate(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation> {
        Ok(block_on(Clip::generate(self, prompt, options, on_token))?)
    }

    fn generate_with(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        rules: &mut dyn TokenRules,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation> {
        Ok(block_on(Clip::generate_with(self, prompt, options, rules, on_token))?)
    }

    fn beam_search(&mut self, prompt: &[u32], beams: usize, max_new_tokens: usize) -> Result<Vec<u32>> {
        Ok(block_on(Clip::beam_search(self, prompt, beams, max_new_tokens, &mut |_| true))?)
    }

    fn generate_many(
        &mut self,
        queries: &[Query],
        options: &GenerateOptions,
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Vec<Generation>> {
        Ok(block_on(Clip::generate_many(self, queries, options, progress))?)
    }

    fn score(
        &mut self,
        requests: &[ScoreRequest],
        progress: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Vec<Scores>> {
        Ok(block_on(Clip::score(self, requests, progress))?)
    }

    fn attention(&mut self, query: &Query, ids: &[u32]) -> Result<Vec<f32>> {
        Ok(block_on(Clip::attention(self, query, ids))?)
    }

    fn profile_step(&self) -> Result<Option<Vec<Span>>> {
        Ok(None)
    }
}

impl Baseline {
    /// Says early whether this build has the baseline.
    ///
    /// # Errors
    /// It has not.
    pub fn check(self) -> Result<()> {
        self.backend().map(drop)
    }

    /// Loads the model of a directory, listens to `audio` and generates `tokens` tokens.
    ///
    /// # Errors
    /// The machine has too little memory, or the backend failed.
    pub fn measure(self, dir: &Path, audio: &Windows, prompt: &[u32], tokens: usize) -> Result<Measurement> {
        let model = load_on(self.backend()?, dir)?;
        let start = Instant::now();
        let now = || start.elapsed().as_secs_f64();
        let af2_cpu::Measurement { encode, prompt, token } = block_on(model.measure(audio, prompt, tokens - 1, &now))?;
        Ok(Measurement { listen_seconds: encode, first_token_seconds: prompt, seconds_per_token: token })
    }

    fn backend(self) -> Result<Backend> {
        match self {
            Self::Cpu => Ok(Backend::Cpu),
            #[cfg(feature = "burn-wgpu")]
            Self::Burn => Ok(Backend::Wgpu),
            #[cfg(not(feature = "burn-wgpu"))]
            Self::Burn => anyhow::bail!(
                "this build has no burn-wgpu: run cargo with `--features burn-wgpu`, or take `--baseline cpu`"
            ),
        }
    }
}
