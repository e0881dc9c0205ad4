//! What answers: the engine on a GPU, or the reference network on the processor.

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use af2_core::audio::Windows;
use af2_core::config::ModelConfig;
use af2_core::generation::Generation;
use af2_core::sampling::SamplingParams;
use af2_core::text::Tokenizer;
use af2_core::trace::Trace;
use af2_gpu::GpuError;
use af2_model::ListenOptions;
use anyhow::{Result, anyhow, bail};
use clap::ValueEnum;

use crate::cpu::CpuSession;
use crate::executor::{drive, open_gpu};
use crate::session::Session;
use crate::tuning::tuned;

/// Name of the processor engine where a GPU's adapter would stand.
pub const CPU_NAME: &str = "processor (Burn, burn-flex)";

/// Which engine is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineChoice {
    /// The shaders, on a GPU.
    Gpu,
    /// The reference network, on the processor: slower than a GPU, and weights take 32 bits each.
    Cpu,
}

/// A model in one of the engines.
pub enum Engine {
    /// On a GPU.
    Gpu(Session),
    /// On the processor.
    Cpu(CpuSession),
}

/// A sound in an engine's memory.
pub enum Heard {
    /// On a GPU.
    Gpu(Box<af2_model::Clip>),
    /// On the processor.
    Cpu(af2_reference::Clip),
}

impl Engine {
    /// Loads the model of a directory. Without a choice a GPU is taken. Where there is none, or only a program that plays one,
    /// the processor answers, which one line on stderr says.
    ///
    /// # Errors
    /// An adapter was asked for and there is none, or a file of the model is not what it should be.
    pub fn load(dir: &Path, choice: Option<EngineChoice>, adapter: Option<&str>) -> Result<Self> {
        match (choice, adapter) {
            (Some(EngineChoice::Cpu), Some(_)) => bail!("--adapter names a GPU; leave it out with --engine cpu"),
            (Some(EngineChoice::Cpu), None) => Ok(Self::Cpu(CpuSession::load(dir)?)),
            (None, None) => Self::choose(dir),
            _ => Ok(Self::Gpu(Session::load(dir, adapter)?)),
        }
    }

    fn choose(dir: &Path) -> Result<Self> {
        let start = Instant::now();
        let gpu = match open_gpu(None) {
            // Programs that play a GPU take a dozen times as long for the same answer, but less memory.
            Ok(gpu) if gpu.facts().software && CpuSession::fits_easily(dir)? => {
                let why = format!("{} is a software adapter, slower than the processor itself", gpu.facts().name);
                return Self::processor(dir, &why, "--engine gpu runs the shaders");
            }
            Ok(gpu) => gpu,
            Err(GpuError::NoAdapter(_)) => {
                return Self::processor(dir, "no GPU adapter was found", "--engine cpu says so from the start");
            }
            Err(error) => return Self::processor(dir, &error.to_string(), "af2 doctor says more"),
        };
        let session = Session::load_on(tuned(gpu), dir)?;
        Ok(Self::Gpu(Session { load_seconds: start.elapsed().as_secs_f64(), ..session }))
    }

    fn processor(dir: &Path, why: &str, advice: &str) -> Result<Self> {
        eprintln!("af2: {why}, so the processor answers ({advice})");
        Ok(Self::Cpu(CpuSession::load(dir)?))
    }

    /// The configuration.
    pub fn config(&self) -> &ModelConfig {
        match self {
            Self::Gpu(session) => session.model.config(),
            Self::Cpu(session) => session.model.config(),
        }
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        match self {
            Self::Gpu(session) => session.model.tokenizer(),
            Self::Cpu(session) => session.model.tokenizer(),
        }
    }

    /// Name of the adapter or of the processor engine.
    pub fn name(&self) -> &str {
        match self {
            Self::Gpu(session) => &session.gpu.facts().name,
            Self::Cpu(_) => CPU_NAME,
        }
    }

    /// Seconds that loading took.
    pub fn load_seconds(&self) -> f64 {
        match self {
            Self::Gpu(session) => session.load_seconds,
            Self::Cpu(session) => session.load_seconds,
        }
    }

    /// Encodes a sound; `progress` is told how many of how many windows are done, and stops the work by returning false.
    ///
    /// # Errors
    /// The windows do not fit the model, or the device failed.
    pub fn listen(&self, windows: &Windows, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<Heard> {
        Ok(match self {
            Self::Gpu(session) => {
                let listen = session.model.listen(windows, ListenOptions::default(), progress);
                Heard::Gpu(Box::new(drive(&session.gpu, listen)??))
            }
            Self::Cpu(session) => Heard::Cpu(session.model.listen(windows, progress)?),
        })
    }

    /// Generates an answer; `on_token` gets every new token and stops by returning false.
    ///
    /// # Errors
    /// The prompt does not fit, a setting is out of range, or the device failed.
    pub fn generate(
        &self,
        heard: &mut Heard,
        prompt: &[u32],
        sampling: SamplingParams,
        max_new_tokens: usize,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation> {
        match (self, heard) {
            (Self::Gpu(session), Heard::Gpu(clip)) => {
                let options = af2_model::GenerateOptions { sampling, max_new_tokens, ..Default::default() };
                Ok(drive(&session.gpu, clip.generate(prompt, &options, on_token))??)
            }
            (Self::Cpu(_), Heard::Cpu(clip)) => {
                let options = af2_reference::GenerateOptions { sampling, max_new_tokens, ..Default::default() };
                Ok(pollster::block_on(clip.generate(prompt, &options, on_token))?)
            }
            _ => Err(other_engine()),
        }
    }

    /// Every intermediate of a greedy answer.
    ///
    /// # Errors
    /// As [`Engine::listen`] and [`Engine::generate`].
    pub fn trace(&self, windows: &Windows, prompt: &[u32], max_new_tokens: usize) -> Result<Trace> {
        let nothing = HashMap::new();
        match self {
            Self::Gpu(session) => {
                Ok(drive(&session.gpu, session.model.trace(windows, prompt, max_new_tokens, &nothing))??)
            }
            Self::Cpu(session) => {
                Ok(pollster::block_on(session.model.trace(windows, prompt, max_new_tokens, &nothing))?)
            }
        }
    }

    /// The best answer of a beam search, its end token included if it has one.
    ///
    /// # Errors
    /// As [`Engine::generate`].
    pub fn beam_search(
        &self,
        heard: &mut Heard,
        prompt: &[u32],
        beams: usize,
        max_new_tokens: usize,
    ) -> Result<Vec<u32>> {
        let mut go_on = |_| true;
        match (self, heard) {
            (Self::Gpu(session), Heard::Gpu(clip)) => {
                Ok(drive(&session.gpu, clip.beam_search(prompt, beams, max_new_tokens, &mut go_on))??)
            }
            (Self::Cpu(_), Heard::Cpu(clip)) => {
                Ok(pollster::block_on(clip.beam_search(prompt, beams, max_new_tokens, &mut go_on))?)
            }
            _ => Err(other_engine()),
        }
    }
}

fn other_engine() -> anyhow::Error {
    anyhow!("the sound was heard by another engine; listen to it again")
}
