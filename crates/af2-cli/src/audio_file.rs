//! Audio from a file or standard input, cut into windows.

use std::io::{self, ErrorKind};
use std::path::Path;

use af2_core::audio::{self, LoadRules, LoadedAudio};
use af2_core::config::AudioConfig;
use anyhow::{Error, Result, anyhow, bail, ensure};

use crate::open_file::{open_input, read_whole};

/// Most bytes of an encoded audio file: it is decoded from memory. WAV in stereo at 48 kHz and 24 bits lasts an hour.
const LIMIT: u64 = 1 << 30;

/// What messages call the audio that is piped in.
const STDIN: &str = "standard input";

/// Decodes an audio file by the rules given and cuts it into windows as the model's configuration says; `-` reads standard input.
/// `max_windows` defaults to the model's own limit.
///
/// # Errors
/// The file cannot be read, is too large, or holds no audio that can be decoded.
pub fn load_audio(
    config: &AudioConfig,
    path: &Path,
    rules: LoadRules,
    max_windows: Option<usize>,
) -> Result<LoadedAudio> {
    let (name, bytes) = if path == Path::new("-") {
        (STDIN.into(), read(Ok(io::stdin().lock()), STDIN)?)
    } else {
        let shown = path.display().to_string();
        ensure!(!shown.is_empty(), "the path of the audio file is empty");
        if shown.contains("://") && !path.exists() {
            bail!("{shown} is a URL, and only files are read; download it first, for example with curl -O");
        }
        (path.file_name().unwrap_or_default().to_string_lossy(), read(open_input(path), &shown)?)
    };
    Ok(audio::load_file_as(bytes, &name, rules, config, max_windows.unwrap_or(config.max_num_window))?)
}

fn read(source: io::Result<impl io::Read>, name: &str) -> Result<Vec<u8>> {
    source.and_then(|source| read_whole(source, LIMIT)).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => anyhow!("{name} has more than {LIMIT} bytes; cut the audio into shorter files"),
        _ => Error::new(error).context(format!("cannot read {name}")),
    })
}
