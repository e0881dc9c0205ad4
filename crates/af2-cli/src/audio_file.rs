//! Audio from a file or standard input, cut into windows.

use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use af2_core::audio::{self, Channel, LoadRules, LoadedAudio, WindowStream};
use af2_core::config::AudioConfig;
use anyhow::{Error, Result, anyhow, bail, ensure};

use crate::open_file::{open_input, open_regular, read_whole};

/// Most bytes of audio that is piped in: it is decoded from memory. WAV in stereo at 48 kHz and 24 bits lasts an hour.
const LIMIT: u64 = 1 << 30;

/// What messages call the audio that is piped in.
const STDIN: &str = "standard input";

/// Decodes an audio file by the rules given and cuts it into windows as the model's configuration says; `-` reads standard input.
/// It is heard from the second `start` on; `max_windows` defaults to the model's own limit.
///
/// # Errors
/// The file cannot be read, or holds no audio that can be decoded; what comes from a pipe is too large.
pub fn load_audio(
    config: &AudioConfig,
    path: &Path,
    rules: LoadRules,
    channel: Channel,
    max_windows: Option<usize>,
    start: f64,
) -> Result<LoadedAudio> {
    let (name, source) = open(path)?;
    let max_windows = max_windows.unwrap_or(config.max_num_window);
    Ok(audio::load_from(source, &name, rules, channel, config, max_windows, start)?)
}

/// Opens an audio file of any length to be read window by window, one every `hop` seconds; `-` reads standard input.
///
/// # Errors
/// As [`load_audio`], or windows cannot start at such a distance.
pub fn stream_audio(
    config: &AudioConfig,
    path: &Path,
    rules: LoadRules,
    channel: Channel,
    hop: f64,
) -> Result<WindowStream> {
    let (name, source) = open(path)?;
    Ok(WindowStream::open(source, &name, rules, channel, config, hop)?)
}

/// A file, or what came through a pipe.
enum Input {
    File(File),
    Memory(Cursor<Vec<u8>>),
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Memory(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Memory(bytes) => bytes.seek(to),
        }
    }
}

/// The name that decides on rules and stands in messages, and the bytes.
fn open(path: &Path) -> Result<(String, Input)> {
    if path == Path::new("-") {
        return Ok((STDIN.into(), read(Ok(io::stdin().lock()), STDIN)?));
    }
    let shown = path.display().to_string();
    ensure!(!shown.is_empty(), "the path of the audio file is empty");
    if shown.contains("://") && !path.exists() {
        bail!("{shown} is a URL, and only files are read; download it first, for example with curl -O");
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let source = if path.is_file() {
        Input::File(open_regular(path).map_err(|error| unreadable(error, &shown))?)
    } else {
        read(open_input(path), &shown)?
    };
    Ok((name, source))
}

fn read(source: io::Result<impl Read>, name: &str) -> Result<Input> {
    let bytes = source.and_then(|source| read_whole(source, LIMIT));
    Ok(Input::Memory(Cursor::new(bytes.map_err(|error| unreadable(error, name))?)))
}

fn unreadable(error: io::Error, name: &str) -> Error {
    match error.kind() {
        ErrorKind::FileTooLarge => {
            anyhow!("{name} has more than {LIMIT} bytes; give a file, which is read as it is needed, or a shorter part")
        }
        _ => Error::new(error).context(format!("cannot read {name}")),
    }
}
