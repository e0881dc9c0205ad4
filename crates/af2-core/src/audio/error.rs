//! What can go wrong between a sound file and its windows, one line each: the thing, then the way out.

use super::decode::SUPPORTED_FORMATS;

/// Sample rates outside this range are taken for damage: no recorder writes them.
pub(super) const SAMPLE_RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// Why a sound could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AudioError {
    /// The file has no bytes.
    #[error("{name}: the file is empty; choose a file that contains sound")]
    Empty {
        /// Name of the file.
        name: String,
    },
    /// No decoder knows these bytes.
    #[error("{name}: not a known sound format; supported are {SUPPORTED_FORMATS}")]
    UnknownFormat {
        /// Name of the file.
        name: String,
    },
    /// The container is known, what is in it is not.
    #[error("{name}: {detail} is not supported; supported are {SUPPORTED_FORMATS}; convert it, for example to WAV")]
    Unsupported {
        /// Name of the file.
        name: String,
        /// The codec or feature.
        detail: String,
    },
    /// The header of the file makes no sense, or nothing could be decoded from what follows.
    #[error("{name}: damaged or cut short before the first sound ({detail}); get a fresh copy of the file")]
    Corrupt {
        /// Name of the file.
        name: String,
        /// What the decoder said.
        detail: String,
    },
    /// A sound without a sample.
    #[error("{name}: contains no samples; choose a file that contains sound")]
    NoSamples {
        /// Name of the file.
        name: String,
    },
    /// Samples that are not numbers.
    #[error("{name}: sample {frame} of channel {channel} is {value}; export the sound again with finite samples")]
    NotFinite {
        /// Name of the file.
        name: String,
        /// Channel, from 0.
        channel: usize,
        /// Frame, from 0.
        frame: usize,
        /// The sample as text: `NaN`, `inf` or `-inf`.
        value: String,
    },
    /// PCM without a channel, or with channels of different lengths.
    #[error("PCM: {detail}; give at least one channel, all of the same length")]
    Channels {
        /// What was given.
        detail: String,
    },
    /// A sample rate nobody uses.
    #[error(
        "{name}: a sample rate of {rate} Hz is out of range (1000 to 768000 Hz); convert it, for example to 16000 Hz"
    )]
    SampleRate {
        /// Name of the file.
        name: String,
        /// The rate in Hz.
        rate: u32,
    },
    /// Window settings that describe no window.
    #[error("audio settings: {detail}; use the values of the model's configuration")]
    Settings {
        /// Which value, and why.
        detail: String,
    },
}
