//! One record of an index.

use half::f16;

use super::{AudioIndexError, IndexHeader};

const FILE: u8 = 1;
const WINDOW: u8 = 2;
const END: u8 = 3;
/// Bytes of a file's record before its name, and of a window's before its tokens.
const FILE_FIXED: usize = 16;
const WINDOW_FIXED: usize = 24;
/// Most bytes of a name: no system has longer paths.
const LONGEST_NAME: usize = 1 << 15;

/// A record.
#[derive(Debug, Clone, PartialEq)]
pub enum IndexRecord {
    /// What follows is of this file.
    File(IndexedFile),
    /// A window of the file.
    Window(IndexedWindow),
    /// The file has no more windows.
    End,
}

/// A file in an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedFile {
    /// Its name, as the caller finds it again.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// When it was changed last, in seconds since 1970; 0 if unknown. With its length it tells whether it is still the same file.
    pub modified: u64,
}

/// A window in an index.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexedWindow {
    /// Seconds from the start of the file.
    pub start: f64,
    /// Seconds of audio in it.
    pub seconds: f64,
    /// Peak before normalisation, in dBFS.
    pub peak_dbfs: f32,
    /// Root mean square before normalisation, in dBFS.
    pub rms_dbfs: f32,
    /// The encoder's tokens, [64, D].
    pub tokens: Vec<f16>,
}

impl IndexedWindow {
    /// The tokens as the engines take them, [64, D].
    pub fn tokens_f32(&self) -> impl Iterator<Item = f32> + '_ {
        self.tokens.iter().map(|token| token.to_f32())
    }

    /// Tokens as they are stored. A number beyond the range of float16 becomes the largest in it: the engines refuse infinities.
    pub fn stored_tokens(tokens: &[f32]) -> Vec<f16> {
        let largest = f16::MAX.to_f32();
        tokens.iter().map(|token| f16::from_f32(token.clamp(-largest, largest))).collect()
    }
}

impl IndexRecord {
    /// Kind, length and content.
    pub(super) fn to_bytes(&self, header: &IndexHeader) -> Result<Vec<u8>, AudioIndexError> {
        let (kind, content) = match self {
            Self::File(file) => (FILE, file_content(file)?),
            Self::Window(window) => (WINDOW, window_content(window, header)?),
            Self::End => (END, Vec::new()),
        };
        let mut bytes = vec![kind];
        bytes.extend((content.len() as u32).to_le_bytes());
        bytes.extend(content);
        Ok(bytes)
    }

    /// Whether a record of a kind may have this many bytes of content.
    pub(super) fn may_have(header: &IndexHeader, kind: u8, length: usize) -> bool {
        match kind {
            FILE => (FILE_FIXED..=FILE_FIXED + LONGEST_NAME).contains(&length),
            WINDOW => length == WINDOW_FIXED + 2 * header.tokens_per_window(),
            END => length == 0,
            _ => false,
        }
    }

    /// The longest content of a record.
    pub(super) fn longest(header: &IndexHeader) -> usize {
        (WINDOW_FIXED + 2 * header.tokens_per_window()).max(FILE_FIXED + LONGEST_NAME)
    }

    /// A record of content whose length and checksum were checked; none for content that no writer makes.
    pub(super) fn parse(kind: u8, content: &[u8]) -> Option<Self> {
        match kind {
            FILE => {
                let (bytes, rest) = content.split_first_chunk()?;
                let (modified, name) = rest.split_first_chunk()?;
                let name = String::from_utf8(name.to_vec()).ok()?;
                let (bytes, modified) = (u64::from_le_bytes(*bytes), u64::from_le_bytes(*modified));
                Some(Self::File(IndexedFile { name, bytes, modified }))
            }
            WINDOW => window(content).map(Self::Window),
            _ => Some(Self::End),
        }
    }
}

fn file_content(file: &IndexedFile) -> Result<Vec<u8>, AudioIndexError> {
    let found = file.name.len();
    if found > LONGEST_NAME {
        return Err(AudioIndexError::TooLong { what: "the path of a file", found, most: LONGEST_NAME });
    }
    Ok([&file.bytes.to_le_bytes(), &file.modified.to_le_bytes(), file.name.as_bytes()].concat())
}

fn window_content(window: &IndexedWindow, header: &IndexHeader) -> Result<Vec<u8>, AudioIndexError> {
    let (found, expected) = (window.tokens.len(), header.tokens_per_window());
    if found != expected {
        return Err(AudioIndexError::WrongTokens { found, expected });
    }
    let mut content = [window.start.to_le_bytes(), window.seconds.to_le_bytes()].concat();
    content.extend([window.peak_dbfs.to_le_bytes(), window.rms_dbfs.to_le_bytes()].concat());
    content.extend(window.tokens.iter().flat_map(|token| token.to_le_bytes()));
    Some(content)
        .filter(|_| is_time(window.start, window.seconds))
        .ok_or(AudioIndexError::Header("a time is not finite"))
}

fn window(content: &[u8]) -> Option<IndexedWindow> {
    let (start, rest) = content.split_first_chunk()?;
    let (seconds, rest) = rest.split_first_chunk()?;
    let (peak, rest) = rest.split_first_chunk()?;
    let (rms, tokens) = rest.split_first_chunk()?;
    let (start, seconds) = (f64::from_le_bytes(*start), f64::from_le_bytes(*seconds));
    let (peak_dbfs, rms_dbfs) = (f32::from_le_bytes(*peak), f32::from_le_bytes(*rms));
    let tokens: Vec<f16> = tokens.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]])).collect();
    let usable = is_time(start, seconds) && tokens.iter().all(|token| token.is_finite());
    usable.then_some(IndexedWindow { start, seconds, peak_dbfs, rms_dbfs, tokens })
}

fn is_time(start: f64, seconds: f64) -> bool {
    start.is_finite() && start >= 0.0 && seconds.is_finite() && seconds > 0.0
}
