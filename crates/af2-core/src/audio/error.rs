//! What can go wrong between an audio file and its windows, one line each: the thing, then the remedy.

/// The formats that can be read, for error messages and help texts.
pub const SUPPORTED_FORMATS: &str =
    "WAV, AIFF, CAF, AU, W64, FLAC, ALAC, MP3, AAC-LC, Vorbis and Opus (also in Ogg, MP4, MOV, Matroska and WebM)";

/// Sample rates outside this range are taken for damage: no recorder writes them.
pub(super) const SAMPLE_RATES: std::ops::RangeInclusive<u32> = 1_000..=384_000;

/// Why audio could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AudioError {
    /// The file has no bytes.
    #[error("{}: the file is empty; choose a file that contains audio", line(name))]
    Empty {
        /// Name of the file.
        name: String,
    },
    /// The file could not be read to its end.
    #[error("{}: cannot be read ({detail}); check the disk or copy the file, and try again", line(name))]
    Unreadable {
        /// Name of the file.
        name: String,
        /// What the system said.
        detail: String,
    },
    /// No decoder knows these bytes.
    #[error(
        "{}: not a known audio format; convert it, for example with ffmpeg to WAV; supported are {SUPPORTED_FORMATS}",
        line(name)
    )]
    UnknownFormat {
        /// Name of the file.
        name: String,
    },
    /// The container is known, what is in it is not.
    #[error(
        "{}: {detail} is not supported; convert it, for example with ffmpeg to WAV; supported are {SUPPORTED_FORMATS}",
        line(name)
    )]
    Unsupported {
        /// Name of the file.
        name: String,
        /// The codec or feature.
        detail: String,
    },
    /// The header of the file makes no sense, or nothing could be decoded from what follows.
    #[error("{}: the file is damaged or cut short ({detail}); copy, export or record it again", line(name))]
    Corrupt {
        /// Name of the file.
        name: String,
        /// What the decoder said.
        detail: String,
    },
    /// A file without audio.
    #[error("{}: {detail} in this file; choose a file that contains audio", line(name))]
    NoAudio {
        /// Name of the file.
        name: String,
        /// What is missing.
        detail: String,
    },
    /// Audio without a sample.
    #[error("{}: contains no samples; choose a file that contains audio", line(name))]
    NoSamples {
        /// Name of the file.
        name: String,
    },
    /// Samples that are not numbers.
    #[error(
        "{}: sample {frame} of channel {channel} is {value}; export the audio again with finite samples",
        line(name)
    )]
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
    /// A channel that the audio does not have.
    #[error("{}: there is no channel {wanted}; the audio has {}", line(name), numbered(*channels))]
    NoSuchChannel {
        /// Name of the file.
        name: String,
        /// The channel, from 1.
        wanted: usize,
        /// Channels of the audio.
        channels: usize,
    },
    /// A part that begins where the audio has ended.
    #[error("{}: it ends before {start} s, where the part to hear begins; correct the start", line(name))]
    Start {
        /// Name of the file.
        name: String,
        /// The start, in seconds.
        start: String,
    },
    /// A sample rate nobody uses.
    #[error(
        "{}: a sample rate of {rate} Hz is out of range (1000 to 384000 Hz); convert it, for example with ffmpeg to 16000 Hz",
        line(name)
    )]
    SampleRate {
        /// Name of the file.
        name: String,
        /// The rate in Hz.
        rate: u32,
    },
    /// Windows too close to each other, or too far apart.
    #[error("a hop of {seconds} s is out of range; a window can start every 0.1 s to 3600 s")]
    Hop {
        /// Seconds from one window to the next.
        seconds: String,
    },
    /// Window settings that describe no window.
    #[error("audio settings: {detail}; use the values of the model's configuration")]
    Settings {
        /// Which value, and why.
        detail: String,
    },
}

/// Channels as people count them.
fn numbered(channels: usize) -> String {
    if channels == 1 { "one channel, 1".into() } else { format!("channels 1 to {channels}") }
}

/// A name in one line: files may have line breaks in theirs.
fn line(name: &str) -> String {
    name.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}
