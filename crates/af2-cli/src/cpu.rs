//! A model on the processor: the reference network, loaded from a directory.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use af2_core::config::CONFIG_FILE;
use af2_core::weights::index::INDEX_FILE;
use af2_reference::{Backend, Model, ModelLoader};
use anyhow::{Context, Result};

use crate::session::{SMALL_FILE, read_limited};

/// Bytes of a shard that are read at a time.
const PIECE: usize = 4 << 20;

/// A model and what loading it took.
pub struct CpuSession {
    /// The model.
    pub model: Model,
    /// Seconds from opening the files to a loaded model.
    pub load_seconds: f64,
}

impl CpuSession {
    /// Loads the model of a directory, verifying every shard. Weights are unpacked to float32.
    ///
    /// # Errors
    /// A file is missing, truncated or not what the index says.
    pub fn load(dir: &Path) -> Result<Self> {
        let start = Instant::now();
        let small = |name: &str| read_limited(&dir.join(name), SMALL_FILE);
        let no_model = || format!("{} is no converted model (make one with `af2 convert`)", dir.display());
        let config = small(CONFIG_FILE).with_context(no_model)?;
        let index = small(INDEX_FILE).with_context(no_model)?;
        let tokenizer = small("tokenizer.json").with_context(no_model)?;
        let mut loader = ModelLoader::new(Backend::Cpu, &config, &tokenizer, &index)?;
        for (name, _) in loader.shards() {
            push_shard(&mut loader, &dir.join(&name), &name)?;
        }
        Ok(Self { model: loader.finish()?, load_seconds: start.elapsed().as_secs_f64() })
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
