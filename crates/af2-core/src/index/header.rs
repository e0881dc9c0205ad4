//! The head of an index: which model made it, of what windows.

use std::io::Read;

use sha2::{Digest, Sha256};

use super::AudioIndexError;
use crate::config::MAX_WINDOW_LENGTH;
use crate::engine::TOKENS_PER_WINDOW;

const MAGIC: &[u8; 8] = b"AF2INDEX";
const VERSION: u32 = 1;
/// Bytes before the options.
const FIXED: usize = 8 + 4 + 4 + 8 + 8 + 32 + 4;
/// Most bytes of the options.
const MOST_OPTIONS: usize = 4096;
/// Widest tokens: releases have 2048.
const MOST_WIDTH: u32 = 1 << 16;
/// Longest hop, in seconds.
const LONGEST_HOP: f64 = 3600.0;

/// Bytes of a checksum.
pub(super) const CHECKSUM: usize = 8;

/// What all windows of an index have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexHeader {
    /// [`IndexHeader::identity`] of the model.
    pub model: [u8; 32],
    /// D, the width of a token.
    pub width: u32,
    /// Seconds of a window.
    pub window_seconds: f64,
    /// Seconds from the start of one window to the start of the next.
    pub hop_seconds: f64,
    /// The options by which audio was read, as their command writes them.
    pub options: String,
}

impl IndexHeader {
    /// The identity of a model: SHA-256 of its `model.safetensors.index.json`, given as bytes, which holds that of every shard.
    pub fn identity(model_index: &[u8]) -> [u8; 32] {
        Sha256::digest(model_index).into()
    }

    /// Numbers of a window: 64·D.
    pub fn tokens_per_window(&self) -> usize {
        TOKENS_PER_WINDOW * self.width as usize
    }

    /// Checks that the windows of this index are those of a model.
    ///
    /// # Errors
    /// [`AudioIndexError::OtherModel`].
    pub fn check_model(&self, model: &[u8; 32], width: usize) -> Result<(), AudioIndexError> {
        let same = self.model == *model && self.width as usize == width;
        if same { Ok(()) } else { Err(AudioIndexError::OtherModel) }
    }

    /// Checks that windows made by `wanted` may be added.
    ///
    /// # Errors
    /// [`AudioIndexError::OtherModel`] or [`AudioIndexError::OtherSettings`].
    pub fn check_same(&self, wanted: &Self) -> Result<(), AudioIndexError> {
        self.check_model(&wanted.model, wanted.width as usize)?;
        let other = |what, found: String, wanted: String| {
            if found == wanted { Ok(()) } else { Err(AudioIndexError::OtherSettings { what, found, wanted }) }
        };
        let seconds = |header: &Self| format!("{} s every {} s", header.window_seconds, header.hop_seconds);
        other("windows of", seconds(self), seconds(wanted))?;
        other("the options", self.options.clone(), wanted.options.clone())
    }

    /// Its bytes, checksum included.
    ///
    /// # Errors
    /// A value is out of range.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, AudioIndexError> {
        let found = self.options.len();
        if found > MOST_OPTIONS {
            return Err(AudioIndexError::TooLong { what: "the text of the options", found, most: MOST_OPTIONS });
        }
        self.check()?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.width.to_le_bytes());
        bytes.extend(self.window_seconds.to_le_bytes());
        bytes.extend(self.hop_seconds.to_le_bytes());
        bytes.extend(self.model);
        bytes.extend((found as u32).to_le_bytes());
        bytes.extend(self.options.as_bytes());
        bytes.extend(checksum(&[], &bytes));
        Ok(bytes)
    }

    /// Reads a header; returns its bytes, too.
    pub(super) fn read(source: &mut impl Read) -> Result<(Self, Vec<u8>), AudioIndexError> {
        let mut bytes = Vec::new();
        take(source, FIXED, &mut bytes)?;
        if !bytes.starts_with(MAGIC) {
            return Err(AudioIndexError::NotAnIndex);
        }
        let version = bytes.get(8..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes));
        if version != VERSION {
            return Err(AudioIndexError::Version { found: version, known: VERSION });
        }
        let cut = AudioIndexError::Header("it is cut short");
        let Some(fixed): Option<&[u8; FIXED]> = bytes.first_chunk() else { return Err(cut) };
        let number = |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
        let float = |at: usize| f64::from_bits(u64::from(number(at)) | u64::from(number(at + 4)) << 32);
        let (width, window_seconds, hop_seconds) = (number(12), float(16), float(24));
        let mut model = [0; 32];
        model.copy_from_slice(&fixed[32..64]);
        let length = number(64) as usize;
        if length > MOST_OPTIONS {
            return Err(AudioIndexError::Header("its options are too long"));
        }
        take(source, length + CHECKSUM, &mut bytes)?;
        let Some((content, sum)) =
            bytes.split_last_chunk::<CHECKSUM>().filter(|_| bytes.len() == FIXED + length + CHECKSUM)
        else {
            return Err(cut);
        };
        if checksum(&[], content) != *sum {
            return Err(AudioIndexError::Header("its checksum differs"));
        }
        let options = String::from_utf8(content[FIXED..].to_vec());
        let options = options.map_err(|_| AudioIndexError::Header("its options are no text"))?;
        let header = Self { model, width, window_seconds, hop_seconds, options };
        header.check()?;
        Ok((header, bytes))
    }

    fn check(&self) -> Result<(), AudioIndexError> {
        let width = (1..=MOST_WIDTH).contains(&self.width);
        let window = self.window_seconds > 0.0 && self.window_seconds <= MAX_WINDOW_LENGTH;
        let hop = self.hop_seconds > 0.0 && self.hop_seconds <= LONGEST_HOP;
        if width && window && hop { Ok(()) } else { Err(AudioIndexError::Header("a number is out of range")) }
    }
}

/// Appends up to `count` bytes of a source.
pub(super) fn take(source: &mut impl Read, count: usize, bytes: &mut Vec<u8>) -> Result<usize, AudioIndexError> {
    Ok(source.take(count as u64).read_to_end(bytes)?)
}

/// The checksum of bytes that follow others with the checksum `before`.
pub(super) fn checksum(before: &[u8], bytes: &[u8]) -> [u8; CHECKSUM] {
    let digest = Sha256::new().chain_update(before).chain_update(bytes).finalize();
    let mut sum = [0; CHECKSUM];
    sum.copy_from_slice(&digest[..CHECKSUM]);
    sum
}
