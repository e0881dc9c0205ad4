//! What a container says: which bytes belong to the audio, and how they are coded.

use super::codecs::Codec;
use super::packets::Packets;

/// The audio of a file, in the order of time.
pub struct Track {
    /// Runs of packets that are decoded one after the other, each with a decoder of its own.
    pub segments: Vec<Segment>,
    /// What is passed over or missing, one sentence each.
    pub notices: Vec<String>,
}

impl Track {
    /// A track of one segment.
    pub fn of(segment: Segment) -> Self {
        Self { segments: vec![segment], notices: Vec::new() }
    }
}

/// Packets that one decoder decodes.
pub struct Segment {
    /// How the packets are coded.
    pub codec: Codec,
    /// Where they lie in the file.
    pub packets: Packets,
    /// Decoded frames to drop at the start.
    pub skip: u64,
    /// Frames after those, at most; the rest is padding.
    pub frames: u64,
}

impl Segment {
    /// All frames of `packets`.
    pub fn whole(codec: Codec, packets: Packets) -> Self {
        Self { codec, packets, skip: 0, frames: u64::MAX }
    }

    /// Frames that it will give, where the container or the number of packets tells.
    pub fn stated_frames(&self) -> Option<u64> {
        if self.frames != u64::MAX {
            return Some(self.frames);
        }
        let bytes = || self.packets.lengths().map(|length| length as u64).sum();
        Some(self.codec.frames(self.packets.len() as u64, bytes)?.saturating_sub(self.skip))
    }
}
