//! Containers: from the bytes of a file to its audio packets.
//!
//! A format is known by its bytes alone. No size in a file sizes a buffer, and every position is checked against the
//! file's end.

mod aac;
mod aiff;
mod au;
mod bytes;
mod caf;
mod flac;
mod id3;
mod matroska;
mod mp4;
mod mpeg;
mod ogg;
mod riff;
mod w64;
mod wave_format;

pub use bytes::Order;

use super::input::Input;
use super::refusal::{Refusal, unsupported};
use super::track::Track;

/// Notice about a file that ends too early.
const CUT_SHORT: &str = "the file is cut short; what is there is heard";

/// Finds the audio of a file.
pub fn open(bytes: &Input) -> Result<Track, Refusal> {
    if ogg::is(bytes) {
        return ogg::open(bytes);
    }
    if riff::is(bytes) {
        return riff::open(bytes);
    }
    if w64::is(bytes) {
        return w64::open(bytes);
    }
    if aiff::is(bytes) {
        return aiff::open(bytes);
    }
    if caf::is(bytes) {
        return caf::open(bytes);
    }
    if au::is(bytes) {
        return au::open(bytes);
    }
    if matroska::is(bytes) {
        return matroska::open(bytes);
    }
    if mp4::is(bytes) {
        return mp4::open(bytes);
    }
    let start = id3::skip_all(bytes);
    if flac::is(bytes, start) {
        return flac::open(bytes, start);
    }
    if aac::is(bytes, start) {
        return aac::open(bytes, start);
    }
    if let Some(name) = known_elsewhere(bytes) {
        return unsupported(name);
    }
    match mpeg::find(bytes, start) {
        Some(start) => mpeg::open(bytes, start),
        None => Err(Refusal::Unknown),
    }
}

/// Formats that people have and nothing here reads.
fn known_elsewhere(bytes: &Input) -> Option<&'static str> {
    let signatures: [(&[u8], &str); 9] = [
        (b"#!AMR", "AMR"),
        (b"wvpk", "WavPack"),
        (b"MAC ", "Monkey's Audio"),
        (b"MPCK", "Musepack"),
        (b"TTA1", "True Audio"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media Audio"),
        (b"MThd", "MIDI, which is notes rather than audio,"),
        (b"DSD ", "DSD"),
        (b"\x0b\x77", "AC-3"),
    ];
    signatures.iter().find(|(signature, _)| bytes.starts_with(signature)).map(|(_, name)| *name)
}
