//! A model in the reference network, loaded from a directory: the engine of the processor.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use af2_core::config::CONFIG_FILE;
use af2_core::weights::index::INDEX_FILE;
use af2_reference::{Backend, Model, ModelLoader};
use anyhow::{Context, Result, bail};

use crate::session::{SMALL_FILE, read_limited};

/// Bytes of a shard that are read at a time.
const PIECE: usize = 4 << 20;
/// Bytes of a model that leaves room on any machine, for systems that do not tell what is free.
const SMALL: u64 = 1_500_000_000;

/// A model and what loading it took.
pub struct CpuSession {
    /// The model.
    pub model: Model,
    /// Seconds from opening the files to a loaded model.
    pub load_seconds: f64,
}

impl CpuSession {
    /// Loads the model of a directory for the processor, verifying every shard. Weights are unpacked to float32.
    ///
    /// # Errors
    /// A file is missing, truncated or not what the index says, or the machine has too little free memory.
    pub fn load(dir: &Path) -> Result<Self> {
        Self::load_on(Backend::Cpu, dir)
    }

    /// Loads it for any of Burn's backends.
    ///
    /// # Errors
    /// As [`CpuSession::load`].
    pub fn load_on(backend: Backend, dir: &Path) -> Result<Self> {
        let start = Instant::now();
        let mut loader = open(backend, dir)?;
        check_memory(needed(&loader), free_memory())?;
        for (name, _) in loader.shards() {
            push_shard(&mut loader, &dir.join(&name), &name)?;
        }
        Ok(Self { model: loader.finish()?, load_seconds: start.elapsed().as_secs_f64() })
    }

    /// Whether the unpacked model of a directory leaves at least as much memory free as it takes. For choosing unasked: a model
    /// that just fits would push everything else out.
    ///
    /// # Errors
    /// A small file is missing or not what it should be.
    pub fn fits_easily(dir: &Path) -> Result<bool> {
        Ok(leaves_room(needed(&open(Backend::Cpu, dir)?), free_memory()))
    }
}

/// A loader that knows the model's small files.
fn open(backend: Backend, dir: &Path) -> Result<ModelLoader> {
    let small = |name: &str| read_limited(&dir.join(name), SMALL_FILE);
    let no_model = || format!("{} is no converted model (make one with `af2 convert`)", dir.display());
    let config = small(CONFIG_FILE).with_context(no_model)?;
    let index = small(INDEX_FILE).with_context(no_model)?;
    let tokenizer = small("tokenizer.json").with_context(no_model)?;
    Ok(ModelLoader::new(backend, &config, &tokenizer, &index)?)
}

/// Bytes at most while loading: shards and the unpacked weights.
fn needed(loader: &ModelLoader) -> u64 {
    let shards: u64 = loader.shards().iter().map(|(_, bytes)| bytes).sum();
    loader.unpacked_bytes().saturating_add(shards)
}

/// Bytes that programs can still have, where the system tells.
fn free_memory() -> Option<u64> {
    let table = fs::read_to_string("/proc/meminfo").ok()?;
    let line = table.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn leaves_room(needed: u64, free: Option<u64>) -> bool {
    needed <= free.map_or(SMALL, |bytes| bytes / 2)
}

/// Refuses before anything is allocated: a machine that runs out of memory kills without a word.
fn check_memory(needed: u64, free: Option<u64>) -> Result<()> {
    match free {
        Some(free) if needed > free => bail!(
            "on the processor this model needs {:.1} GB of memory and {:.1} GB are free; use a GPU (--engine gpu), or a smaller model",
            needed as f64 / 1e9,
            free as f64 / 1e9
        ),
        _ => Ok(()),
    }
}

fn push_shard(loader: &mut ModelLoader, path: &Path, name: &str) -> Result<()> {
    let unreadable = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(unreadable)?;
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece).with_context(unreadable)? {
            0 => return Ok(loader.finish_shard(name)?),
            count => loader.push(name, &piece[..count])?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{check_memory, leaves_room};

    #[test]
    fn a_model_that_does_not_fit_is_refused_before_it_is_loaded() {
        let refusal = check_memory(22_000_000_000, Some(16_000_000_000)).err().map(|error| error.to_string());
        assert!(refusal.is_some_and(|text| text.contains("22.0 GB") && text.contains("16.0 GB")));
        assert!(check_memory(16, Some(16)).is_ok());
        assert!(check_memory(u64::MAX, None).is_ok());
    }
    #[test]
    fn a_model_that_just_fits_is_not_chosen_unasked() {
        assert!(!leaves_room(22_000_000_000, Some(23_600_000_000)));
        assert!(leaves_room(11_000_000_000, Some(23_600_000_000)));
        assert!(leaves_room(20_000_000, None));
        assert!(!leaves_room(5_000_000_000, None));
    }
}
