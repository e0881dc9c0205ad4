//! Audio files to samples. Decoding stops after the seconds that are needed.

use std::io::{self, Seek};
use std::mem::take;
use std::ops::Range;

use super::codecs::{Decoder, check_channels};
use super::containers;
use super::error::{AudioError, SAMPLE_RATES};
use super::input::Input;
use super::packets::Cursor;
use super::refusal::Refusal;
use super::track::{Segment, Track};

/// Frames that may be missing at the end before it is worth a notice, in parts of a second.
const MISSING: u64 = 10;

/// Bytes of a packet that are decoded at most: a frame of FLAC in eight channels of 32 bits has 2 MiB. A damaged file may have longer ones.
const LONGEST_PACKET: usize = 1 << 22;

/// What a stream says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInfo {
    /// Short name of the codec, for example `flac`.
    pub codec: String,
    /// Frames per second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: usize,
    /// Whether samples were stored as integers.
    pub integer: bool,
}

/// How a read ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// Frames handed out.
    pub frames: usize,
    /// Whether the stream goes on after them.
    pub more: bool,
}

/// An opened audio file, positioned at its first frame.
pub struct Source {
    name: String,
    input: Input,
    segments: std::vec::IntoIter<Segment>,
    current: Option<Current>,
    info: StreamInfo,
    notices: Vec<String>,
    stated_frames: Option<u64>,
    /// The decoded block not handed out yet, one vector per channel.
    block: Vec<Vec<f64>>,
    /// Frames of the blocks that were handed out.
    handed_out: usize,
    /// Packets that could not be decoded, and what the decoder said about the last one.
    bad_packets: usize,
    complaint: String,
}

/// The segment that is decoded.
struct Current {
    segment: Segment,
    decoder: Decoder,
    /// Behind the packets that were read, and what is left of a long range of samples.
    cursor: Cursor,
    rest: Range<usize>,
    /// The bytes of the last packet that was read.
    packet: Vec<u8>,
}

impl Source {
    /// Opens a file in memory, as [`Source::stream`].
    ///
    /// # Errors
    /// [`AudioError`], when there is nothing that can be decoded.
    pub fn open(bytes: Vec<u8>, name: &str) -> Result<Self, AudioError> {
        Self::stream(io::Cursor::new(bytes), name)
    }

    /// Opens a file and decodes up to its first block. Of the file some hundred kilobytes are in memory at a time, and two or three bytes
    /// per packet.
    ///
    /// The format is found from the bytes; `name` serves only error messages. No buffer is sized by what a header claims.
    ///
    /// # Errors
    /// [`AudioError`], when there is nothing that can be decoded, or the file cannot be read.
    pub fn stream(source: impl io::Read + Seek + 'static, name: &str) -> Result<Self, AudioError> {
        let failed = |detail: String| AudioError::Unreadable { name: name.into(), detail };
        let input = Input::new(source).map_err(|error| failed(error.to_string()))?;
        if input.len() == 0 {
            return Err(AudioError::Empty { name: name.into() });
        }
        let opened = containers::open(&input);
        if let Some(detail) = input.failure() {
            return Err(failed(detail));
        }
        let Track { segments, notices } = opened.map_err(|refusal| refused(refusal, name))?;
        let mut stated = segments.iter().map(Segment::stated_frames);
        let stated_frames = stated.try_fold(0u64, |sum, frames| sum.checked_add(frames?));
        let info = StreamInfo { codec: String::new(), sample_rate: 0, channels: 0, integer: false };
        let mut source = Self {
            name: name.into(),
            input,
            segments: segments.into_iter(),
            current: None,
            info,
            notices,
            stated_frames,
            block: Vec::new(),
            handed_out: 0,
            bad_packets: 0,
            complaint: String::new(),
        };
        source.read_first_block()?;
        Ok(source)
    }

    /// What the stream says about itself.
    pub fn info(&self) -> &StreamInfo {
        &self.info
    }

    /// What was passed over, missing or cut so far, one sentence each.
    pub fn notices(&self) -> Vec<String> {
        let mut notices = self.notices.clone();
        match self.bad_packets {
            0 => {}
            1 => notices.push(format!("a damaged packet is left out ({})", self.complaint)),
            count => notices.push(format!("{count} damaged packets are left out ({})", self.complaint)),
        }
        notices
    }

    /// Hands blocks of at most `limit` frames in all to `sink`, one slice per channel.
    ///
    /// Samples are scaled as libsndfile does: integers of b bits divided by 2^(b−1), floats as they are. What follows
    /// damage in the middle of a stream is decoded as far as the format allows.
    ///
    /// # Errors
    /// [`AudioError::NotFinite`] for a sample that is NaN or infinite.
    pub fn read(&mut self, limit: usize, mut sink: impl FnMut(&[&[f64]])) -> Result<Read, AudioError> {
        let mut frames = 0;
        loop {
            let available = self.block_frames();
            let used = available.min(limit - frames);
            self.hand_out(used, &mut sink)?;
            frames += used;
            if used < available {
                return Ok(Read { frames, more: true });
            }
            if !self.next_block()? {
                return Ok(Read { frames, more: false });
            }
        }
    }

    /// Hands the decoded block to `sink` and decodes the next one; false after the last.
    ///
    /// # Errors
    /// [`AudioError::NotFinite`], or the file cannot be read any more.
    pub(super) fn read_block(&mut self, mut sink: impl FnMut(&[&[f64]])) -> Result<bool, AudioError> {
        self.hand_out(self.block_frames(), &mut sink)?;
        self.next_block()
    }

    /// Frames of the whole stream, where container and codec tell without decoding it.
    pub(super) fn stated_frames(&self) -> Option<u64> {
        self.stated_frames
    }

    fn block_frames(&self) -> usize {
        self.block.first().map_or(0, Vec::len)
    }

    fn hand_out(&mut self, frames: usize, sink: &mut impl FnMut(&[&[f64]])) -> Result<(), AudioError> {
        let block: Vec<&[f64]> = self.block.iter().map(|channel| &channel[..frames]).collect();
        reject_non_finite(&block, self.handed_out, &self.name)?;
        sink(&block);
        self.handed_out += frames;
        Ok(())
    }

    /// Decodes the first block that has frames.
    fn read_first_block(&mut self) -> Result<(), AudioError> {
        if self.next_block()? {
            return Ok(());
        }
        let name = self.name.clone();
        match self.bad_packets {
            0 => Err(AudioError::NoSamples { name }),
            _ => Err(AudioError::Corrupt { name, detail: take(&mut self.complaint) }),
        }
    }

    /// Decodes the next block with frames; false at the end of the stream.
    fn next_block(&mut self) -> Result<bool, AudioError> {
        loop {
            let Some(mut current) = self.current.take() else {
                if !self.next_segment()? {
                    return Ok(false);
                }
                continue;
            };
            if !current.read_packet(&self.input) {
                self.check_input()?;
                self.end_segment(&current.segment);
                continue;
            }
            let decoded = current.decoder.decode(&current.packet, &mut self.block);
            match decoded {
                Err(complaint) => {
                    (self.bad_packets, self.complaint) = (self.bad_packets + 1, complaint);
                    self.block.clear();
                }
                Ok(decoded) => {
                    current.segment.trim(&mut self.block);
                    if self.block.first().is_some_and(|plane| !plane.is_empty()) {
                        if !self.fits(&current.decoder, decoded.rate, decoded.integer)? {
                            return Ok(false);
                        }
                        self.current = Some(current);
                        return Ok(true);
                    }
                }
            }
            self.current = Some(current);
        }
    }

    fn next_segment(&mut self) -> Result<bool, AudioError> {
        let Some(segment) = self.segments.next() else { return Ok(false) };
        let decoder = Decoder::new(&segment.codec).map_err(|refusal| refused(refusal, &self.name))?;
        let cursor = segment.packets.start();
        self.current = Some(Current { segment, decoder, cursor, rest: 0..0, packet: Vec::new() });
        Ok(true)
    }

    /// Tells a file that ends from one that cannot be read any more.
    fn check_input(&self) -> Result<(), AudioError> {
        match self.input.failure() {
            Some(detail) => Err(AudioError::Unreadable { name: self.name.clone(), detail }),
            None => Ok(()),
        }
    }

    /// A segment that states more frames than it has was cut, unless that was said already.
    fn end_segment(&mut self, segment: &Segment) {
        let missing = segment.frames != u64::MAX && segment.frames > u64::from(self.info.sample_rate) / MISSING;
        if missing && self.bad_packets == 0 && self.notices.is_empty() && self.info.sample_rate > 0 {
            let seconds = segment.frames as f64 / f64::from(self.info.sample_rate);
            self.notices.push(format!("the file states {seconds:.1} s more than it holds; what is there is heard"));
        }
    }

    /// Takes rate and channels from the first block, and makes later ones agree; false where the stream ends for that.
    fn fits(&mut self, decoder: &Decoder, rate: u32, integer: bool) -> Result<bool, AudioError> {
        let channels = self.block.len();
        if self.info.channels == 0 {
            if !SAMPLE_RATES.contains(&rate) {
                return Err(AudioError::SampleRate { name: self.name.clone(), rate });
            }
            check_channels(channels).map_err(|refusal| refused(refusal, &self.name))?;
            self.info = StreamInfo { codec: decoder.name(), sample_rate: rate, channels, integer };
            return Ok(true);
        }
        if rate != self.info.sample_rate {
            let before = self.info.sample_rate;
            self.notice(format!(
                "the sample rate changes from {before} to {rate} Hz; the audio after that is not heard"
            ));
            self.block.clear();
            self.current = None;
            self.segments = Vec::new().into_iter();
            return Ok(false);
        }
        if channels != self.info.channels {
            let before = self.info.channels;
            self.notice(format!(
                "the number of channels changes from {before} to {channels}; all of it is heard in {before}"
            ));
            convert_channels(&mut self.block, before);
        }
        Ok(true)
    }

    fn notice(&mut self, text: String) {
        if !self.notices.contains(&text) {
            self.notices.push(text);
        }
    }
}

impl Current {
    /// Reads the next packet; long ranges of samples come in parts. False at the end.
    fn read_packet(&mut self, input: &Input) -> bool {
        self.packet.clear();
        if self.segment.frames == 0 {
            return false;
        }
        let Some(block) = self.decoder.block_bytes() else {
            return self.segment.packets.next(&mut self.cursor, input, LONGEST_PACKET, &mut self.packet);
        };
        while self.rest.is_empty() {
            match self.segment.packets.next_part(&mut self.cursor) {
                Some(part) => self.rest = part.range,
                None => return false,
            }
        }
        let end = self.rest.end.min(self.rest.start + block);
        let part = self.rest.start..end;
        self.rest.start = end;
        input.append(part, &mut self.packet).is_some()
    }
}

impl Segment {
    /// Takes the frames to skip from the start of a block, and what is beyond the end from its end.
    fn trim(&mut self, block: &mut [Vec<f64>]) {
        let frames = block.first().map_or(0, Vec::len);
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(frames);
        let kept = usize::try_from(self.frames).unwrap_or(usize::MAX).min(frames - skipped);
        self.skip -= skipped as u64;
        if self.frames != u64::MAX {
            self.frames -= kept as u64;
        }
        for plane in block {
            plane.truncate(skipped + kept);
            plane.drain(..skipped);
        }
    }
}

/// One channel goes to all; several become the average where one is wanted, and are cut or filled with silence otherwise.
fn convert_channels(block: &mut Vec<Vec<f64>>, wanted: usize) {
    let frames = block.first().map_or(0, Vec::len);
    if wanted == 1 {
        let count = block.len() as f64;
        let average = (0..frames).map(|frame| block.iter().map(|plane| plane[frame]).sum::<f64>() / count).collect();
        *block = vec![average];
    } else {
        let filler = if block.len() == 1 { block[0].clone() } else { vec![0.0; frames] };
        block.resize(wanted, filler);
    }
}

fn refused(refusal: Refusal, name: &str) -> AudioError {
    let name = name.to_string();
    match refusal {
        Refusal::Unknown => AudioError::UnknownFormat { name },
        Refusal::Unsupported(detail) => AudioError::Unsupported { name, detail },
        Refusal::Damaged(detail) => AudioError::Corrupt { name, detail },
        Refusal::NoAudio(detail) => AudioError::NoAudio { name, detail },
    }
}

/// Points at the first NaN or infinity: the peak it would set makes every window silent or garbage.
pub(super) fn reject_non_finite(block: &[&[f64]], first_frame: usize, name: &str) -> Result<(), AudioError> {
    for (channel, samples) in block.iter().enumerate() {
        if let Some(at) = samples.iter().position(|sample| !sample.is_finite()) {
            let value = samples[at].to_string();
            return Err(AudioError::NotFinite { name: name.into(), channel, frame: first_frame + at, value });
        }
    }
    Ok(())
}
