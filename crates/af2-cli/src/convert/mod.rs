//! `af2 convert` and `af2 synth` on disk: directories, threads and staging around the portable converter.
//!
//! Everything is written to a hidden folder and moved at the end, so a failed run leaves nothing behind.

mod directory;
mod error;
mod output;
mod partial;
mod pytorch;
pub mod synth;
mod threads;

use std::path::PathBuf;

use af2_convert::{Inputs, Options, Release, Report, Source};
use af2_core::weights::Scheme;
use pollster::block_on;

pub(crate) use directory::Directory;
pub use error::ConvertError;
pub(crate) use error::storage;
use output::Output;
pub use pytorch::PytorchFile;
pub(crate) use threads::Threads;

/// What to convert, and how.
#[derive(Debug, Clone)]
pub struct ConvertOptions {
    /// Directory with `safe_ckpt/` and, where it is there, `configs/inference.yaml`.
    pub release_dir: PathBuf,
    /// Directory to write; absent or empty.
    pub out_dir: PathBuf,
    /// The base language model's directory; by default what `inference.yaml` names, inside of the release.
    pub lm_dir: Option<PathBuf>,
    /// A PyTorch checkpoint with encoder weights.
    pub clap_file: Option<PathBuf>,
    /// How matrices are stored.
    pub scheme: Scheme,
    /// About how large a shard may be, in bytes; a single tensor may exceed it.
    pub shard_bytes: u64,
}

/// Converts a release, and calls `progress` with the bytes read so far and in all.
///
/// # Errors
/// [`ConvertError`], as one line that names the file or tensor and what to do. Nothing is left behind.
pub fn convert(options: &ConvertOptions, progress: &mut dyn FnMut(u64, u64)) -> Result<Report, ConvertError> {
    let mut output = Output::new(&options.out_dir)?;
    let release = Directory::open(&options.release_dir)?;
    let language_model = options.lm_dir.as_deref().map(Directory::new);
    let clap = options.clap_file.as_deref().map(PytorchFile::open).transpose()?;
    let inputs = Inputs {
        name: &release.name(),
        release: &release,
        language_model: language_model.as_ref().map(|directory| directory as &dyn Source),
        clap: clap.as_ref().map(PytorchFile::checkpoint),
    };
    let how = Options { scheme: options.scheme, shard_bytes: options.shard_bytes };
    let report = write_model(&inputs, &how, &mut output, progress)?;
    output.publish()?;
    Ok(report)
}

fn write_model(
    inputs: &Inputs<'_>,
    options: &Options,
    output: &mut Output,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, ConvertError> {
    Ok(block_on(async {
        let release = Release::open(inputs).await?;
        release.convert(options, &Threads::new(), output, progress).await
    })?)
}
