//! Audio from a file or standard input, cut into windows.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use af2_core::audio::{self, LoadRules, LoadedAudio};
use af2_core::config::AudioConfig;
use anyhow::{Context, Result, bail, ensure};

/// Most bytes of an encoded audio file: it is decoded from memory.
const LIMIT: u64 = 4 << 30;

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
        ("standard input".into(), read(io::stdin().lock(), "standard input")?)
    } else {
        let shown = path.display().to_string();
        if shown.contains("://") && !path.exists() {
            bail!("{shown} is a URL, and only files are read; download it first, for example with curl -O");
        }
        let file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
        (path.file_name().unwrap_or_default().to_string_lossy(), read(file, &shown)?)
    };
    Ok(audio::load_file_as(bytes, &name, rules, config, max_windows.unwrap_or(config.max_num_window))?)
}

fn read(source: impl Read, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(LIMIT + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {name}"))?;
    ensure!(bytes.len() as u64 <= LIMIT, "{name} has more than {LIMIT} bytes; cut the audio into shorter files");
    Ok(bytes)
}
