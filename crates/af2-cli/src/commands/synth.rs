//! `af2 synth SIZE OUT`: a checkpoint of a released size with random weights.

use std::path::PathBuf;

use af2_convert::Options;
use af2_convert::synth::Size;
use af2_core::weights::Scheme;
use anyhow::{Context, Result};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::convert::{parse_size, progress_bar};
use crate::convert::synth::{self, Layout};
use crate::terminal::print_line;

/// Arguments of `af2 synth`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Which release to imitate.
    #[arg(value_parser = size_parser())]
    size: Size,
    /// Directory to write; must be absent or empty.
    #[arg(required_unless_present = "hub")]
    out: Option<PathBuf>,
    /// Write the repositories of the release and its base as the hub holds them, to folders ORG/NAME in this directory.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "converted"])]
    hub: Option<PathBuf>,
    /// Write a converted model in this scheme, instead of a release for `af2 convert`.
    #[arg(long, value_name = "SCHEME")]
    converted: Option<Scheme>,
    /// The same seed gives the same weights.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Size of a shard of a converted model, for example 256MiB or 1GB.
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = parse_size)]
    shard_size: u64,
}

/// Writes with a progress bar on stderr, and prints one line about the result.
pub fn run(arguments: Arguments) -> Result<()> {
    let Arguments { size, out, hub, converted, seed, shard_size } = arguments;
    let layout = if hub.is_some() { Layout::Hub } else { Layout::Folder };
    let out = out.or(hub).context("no directory to write")?;
    let bar = progress_bar();
    let mut progress = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let bytes = match converted {
        Some(scheme) => {
            let options = Options { scheme, shard_bytes: shard_size };
            synth::converted(size, seed, &options, &out, &mut progress)
        }
        None => synth::release(size, seed, layout, &out, &mut progress),
    };
    bar.finish_and_clear();
    Ok(print_line(format_args!("{}: {} of random weights, {} bytes", out.display(), size.name(), bytes?))?)
}

/// The short names of the sizes, listed by `--help`.
fn size_parser() -> impl TypedValueParser<Value = Size> {
    let names = PossibleValuesParser::new(Size::ALL.map(|(name, _)| name));
    names.try_map(|given| Size::ALL.into_iter().find(|(name, _)| *name == given).map(|(_, size)| size).ok_or("no size"))
}
