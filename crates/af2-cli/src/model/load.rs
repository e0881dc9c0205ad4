//! Which engine a model is loaded into.

use std::path::Path;

use af2_gpu::GpuError;
use anyhow::{Result, bail};
use clap::ValueEnum;

use super::{Engine, cpu, open_gpu, recovery};
use crate::terminal::note;

/// Which engine is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineChoice {
    /// The shaders, on a GPU.
    Gpu,
    /// The same network on the CPU: slower than a GPU.
    Cpu,
}

/// Loads the model of a directory. Without a choice the GPU answers; where there is none, or only a software adapter, the CPU does,
/// and one line on stderr says so.
///
/// # Errors
/// The wanted engine or adapter is missing, or a file of the model is not what it should be.
pub fn load(dir: &Path, choice: Option<EngineChoice>, adapter: Option<&str>) -> Result<Box<dyn Engine>> {
    match (choice, adapter) {
        (Some(EngineChoice::Cpu), Some(_)) => bail!("--adapter names a GPU; leave it out with --engine cpu"),
        (Some(EngineChoice::Cpu), None) => cpu::load(dir),
        (None, None) => choose(dir),
        _ => recovery::load(None, adapter, dir),
    }
}

fn choose(dir: &Path) -> Result<Box<dyn Engine>> {
    let (reason, hint) = match open_gpu(None) {
        // A software adapter takes a dozen times as long for the same answer, but less memory.
        Ok(gpu) if gpu.info().software && cpu::fits_easily(dir)? => {
            let reason = format!("{} is a software adapter, slower than the CPU itself", gpu.info().name);
            (reason, "--engine gpu runs the shaders")
        }
        Ok(gpu) => return recovery::load(Some(gpu), None, dir),
        Err(error) if CPU_MISSING => return Err(error.into()),
        Err(GpuError::NoAdapter(_)) => ("no GPU adapter was found".to_owned(), "--engine cpu says so from the start"),
        Err(error) => (error.to_string(), "af2 doctor says more"),
    };
    note(format_args!("{reason}, so the CPU answers ({hint})"));
    cpu::load(dir)
}

/// Whether this build can only answer on a GPU.
const CPU_MISSING: bool = cpu::CPU_NAME.is_none();
