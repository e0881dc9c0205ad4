//! From the bytes of an audio file to the windows the encoder hears.
//!
//! ```text
//! file ── decode ──┬─ name ends in ".mp3": 16-bit PCM ─ linear rate change ─ average or one channel ─┐
//!                  └─ any other name: float64 ─ joint scaling ─ one channel ─ band-limited resample ─┴─ normalise ─ codes ─ windows
//! ```
//!
//! [`load_file`] gives a clip, [`WindowStream`] the windows of a file of any length, one by one. Both read the file through a small cache.
//! Levels are measured before normalisation, which hides them.
//!
//! The original implementation reads the two kinds of files with two different libraries, which differ audibly. Both
//! are followed sample by sample, because the model was trained on what they give.

mod bessel;
mod blocks;
mod channel;
mod codecs;
mod containers;
mod decode;
mod error;
mod general_path;
mod input;
mod kernel;
mod level;
mod linear_rate;
mod load;
mod mp3_path;
mod normalise;
mod notices;
mod packets;
mod part;
mod refusal;
mod resample;
mod stream;
mod track;
mod window_peaks;
mod windows;

pub mod frontend;

pub use channel::Channel;
pub use decode::{Read, Source, StreamInfo};
pub use error::{AudioError, SUPPORTED_FORMATS};
pub use level::Level;
pub use linear_rate::convert_rate_linear;
pub use load::{
    AudioInfo, LoadRules, LoadedAudio, from_codes, load_file, load_file_as, load_from, load_pcm, load_source,
};
pub use mp3_path::mono_from_i16;
pub use normalise::{codes_from_f32, codes_from_f64};
pub use resample::resample;
pub use stream::{StreamedWindow, WindowStream};
pub use windows::{WindowPlan, Windows};
