//! A model loaded from a directory and sounds loaded from files, with progress on stderr.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use af2_core::audio::{self, Clip as Sound};
use af2_core::config::AudioConfig;
use af2_gpu::Gpu;
use af2_model::{Model, ModelLoader};
use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::executor::{drive, open_gpu};
use crate::tuning::tuned;

/// Bytes of a shard that are read at a time.
const PIECE: usize = 4 << 20;
/// Bytes uploaded before waiting for the driver to let go of their staging memory.
const SETTLE_AFTER: u64 = 64 << 20;
/// Largest small file, and largest sound file.
pub(crate) const SMALL_FILE: u64 = 256 << 20;
const SOUND_FILE: u64 = 4 << 30;

/// A model on a device.
pub struct Session {
    /// The device.
    pub gpu: Gpu,
    /// The model.
    pub model: Model,
    /// Seconds from opening the device to a loaded model.
    pub load_seconds: f64,
}

impl Session {
    /// Opens a device and loads the model of a directory, verifying every shard.
    ///
    /// # Errors
    /// No adapter, a file is missing, truncated or not what the index says, or the device has too little memory.
    pub fn load(dir: &Path, adapter: Option<&str>) -> Result<Self> {
        let start = Instant::now();
        let gpu = tuned(open_gpu(adapter)?);
        let session = Self::load_on(gpu, dir)?;
        Ok(Self { load_seconds: start.elapsed().as_secs_f64(), ..session })
    }

    /// Loads the model of a directory on an open device; the seconds count from here.
    ///
    /// # Errors
    /// As [`Session::load`].
    pub fn load_on(gpu: Gpu, dir: &Path) -> Result<Self> {
        let start = Instant::now();
        let small = |name: &str| read_limited(&dir.join(name), SMALL_FILE);
        let no_model = || format!("{} is no converted model (make one with `af2 convert`)", dir.display());
        let config = small("config.json").with_context(no_model)?;
        let index = small("model.safetensors.index.json").with_context(no_model)?;
        let tokenizer = small("tokenizer.json").with_context(no_model)?;
        let mut loader = drive(&gpu, ModelLoader::new(&gpu, &config, &tokenizer, &index))??;
        drive(&gpu, loader.warm_up())??;
        let shards = loader.shards();
        let bar = progress_bar(shards.iter().map(|(_, bytes)| bytes).sum(), "loading");
        for (name, bytes) in &shards {
            push_shard(&gpu, &mut loader, &dir.join(name), name, *bytes, &bar)?;
        }
        let model = drive(&gpu, loader.finish())??;
        bar.finish_and_clear();
        Ok(Self { gpu, model, load_seconds: start.elapsed().as_secs_f64() })
    }
}

fn push_shard(
    gpu: &Gpu,
    loader: &mut ModelLoader,
    path: &PathBuf,
    name: &str,
    bytes: u64,
    bar: &ProgressBar,
) -> Result<()> {
    let unreadable = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(unreadable)?;
    let found = file.metadata().with_context(unreadable)?.len();
    if found != bytes {
        bail!("shard {name} has {found} bytes, the index says {bytes}; download or convert the model again");
    }
    let (mut piece, mut unsettled) = (vec![0; PIECE], 0);
    loop {
        let count = file.read(&mut piece).with_context(unreadable)?;
        if count == 0 {
            break;
        }
        loader.push(name, &piece[..count])?;
        bar.inc(count as u64);
        unsettled += count as u64;
        if unsettled >= SETTLE_AFTER {
            drive(gpu, loader.settle())??;
            unsettled = 0;
        }
    }
    Ok(loader.finish_shard(name)?)
}

/// Loads a sound as a model's configuration cuts it; `-` reads standard input. `max_windows` defaults to the model's own limit.
///
/// # Errors
/// The file cannot be read, or holds no sound that can be decoded.
pub fn load_sound(config: &AudioConfig, path: &Path, max_windows: Option<usize>) -> Result<Sound> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().take(SOUND_FILE).read_to_end(&mut bytes).context("cannot read standard input")?;
        bytes
    } else {
        read_limited(path, SOUND_FILE)?
    };
    let name = path.file_name().map_or_else(|| "standard input".into(), |name| name.to_string_lossy());
    Ok(audio::load_file(bytes, &name, config, max_windows.unwrap_or(config.max_num_window))?)
}

/// A byte counter on stderr; nothing when stderr is no terminal.
///
/// # Panics
/// Never: the template is constant.
pub fn progress_bar(total: u64, message: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    ProgressBar::new(total).with_style(style.expect("a valid template")).with_message(message)
}

pub(crate) fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let unreadable = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(unreadable)?;
    let size = file.metadata().with_context(unreadable)?.len();
    if size > limit {
        bail!("{} has {size} bytes, more than the {limit} that can be read at once", path.display());
    }
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(limit).read_to_end(&mut bytes).with_context(unreadable)?;
    Ok(bytes)
}
