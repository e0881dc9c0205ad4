//! Sound files to samples: a thin layer over symphonia that stops after the seconds that are needed.

use std::io::Cursor;

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::{
    AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known,
};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::{Hint, Probe, ProbeOptions};
use symphonia::core::formats::{FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;

use super::error::{AudioError, SAMPLE_RATES};
use super::riff::{repair_wav_lengths, stated_channels};

/// The formats that can be read, for error messages and help texts.
pub const SUPPORTED_FORMATS: &str = "WAV, AIFF, FLAC, MP3, OGG Vorbis and M4A/AAC";

/// Bytes searched for the start of a format. Tags before an MP3 do not count.
const PROBE_DEPTH: u32 = 64 * 1024;

/// Channels at most; libsndfile's limit.
const MAX_CHANNELS: u16 = 1024;

/// Unreadable packets in a row after which a stream counts as ended.
const MAX_BAD_PACKETS: usize = 256;

/// What a stream says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamFacts {
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

/// An opened sound file, positioned at its first frame.
pub struct Source {
    name: String,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    facts: StreamFacts,
    /// The decoded block not handed out yet, one vector per channel.
    block: Vec<Vec<f64>>,
}

impl Source {
    /// Opens a file and decodes up to its first sound.
    ///
    /// The format is found from the bytes; `name` serves only error messages. No buffer is sized by what a header claims.
    ///
    /// # Errors
    /// [`AudioError`], when there is nothing that can be decoded.
    pub fn open(mut bytes: Vec<u8>, name: &str) -> Result<Self, AudioError> {
        if bytes.is_empty() {
            return Err(AudioError::Empty { name: name.into() });
        }
        if let Some(channels) = stated_channels(&bytes).filter(|channels| *channels > MAX_CHANNELS) {
            return Err(AudioError::Unsupported {
                name: name.into(),
                detail: format!("sound with {channels} channels"),
            });
        }
        repair_wav_lengths(&mut bytes);
        let format = probe(bytes, name)?;
        let (track, decoder) = make_decoder(format.as_ref(), name)?;
        let facts = StreamFacts { codec: String::new(), sample_rate: 0, channels: 0, integer: false };
        let mut source = Self { name: name.into(), format, decoder, track, facts, block: Vec::new() };
        source.read_first_block()?;
        Ok(source)
    }

    /// What the stream says about itself.
    pub fn facts(&self) -> &StreamFacts {
        &self.facts
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
            let available = self.block.first().map_or(0, Vec::len);
            let used = available.min(limit - frames);
            let block: Vec<&[f64]> = self.block.iter().map(|channel| &channel[..used]).collect();
            reject_non_finite(&block, frames, &self.name)?;
            sink(&block);
            frames += used;
            if used < available {
                return Ok(Read { frames, more: true });
            }
            if !self.next_block()? {
                return Ok(Read { frames, more: false });
            }
        }
    }

    /// Decodes the first block that has frames and learns rate, channels and sample kind from it: headers may lack them.
    fn read_first_block(&mut self) -> Result<(), AudioError> {
        if !self.next_block()? {
            return Err(AudioError::NoSamples { name: self.name.clone() });
        }
        let rate = self.facts.sample_rate;
        if !SAMPLE_RATES.contains(&rate) {
            return Err(AudioError::SampleRate { name: self.name.clone(), rate });
        }
        self.facts.codec = self.decoder.codec_info().short_name.into();
        Ok(())
    }

    /// Decodes the next block with frames; false at the end of the stream.
    fn next_block(&mut self) -> Result<bool, AudioError> {
        let mut bad_packets = 0;
        let mut last_complaint = None;
        while bad_packets < MAX_BAD_PACKETS {
            match self.decode_packet() {
                Ok(Some(true)) => return Ok(true),
                Ok(Some(false)) => {}
                Ok(None) => break,
                Err(Error::DecodeError(detail)) => {
                    bad_packets += 1;
                    last_complaint = Some(detail.to_string());
                }
                Err(Error::Unsupported(detail)) if self.facts.channels == 0 => {
                    return Err(AudioError::Unsupported { name: self.name.clone(), detail: detail.into() });
                }
                Err(_) => break,
            }
        }
        match last_complaint {
            Some(detail) if self.facts.channels == 0 => Err(AudioError::Corrupt { name: self.name.clone(), detail }),
            _ => Ok(false),
        }
    }

    /// Decodes one packet: `None` at the end, false for a packet without frames of this track.
    fn decode_packet(&mut self) -> Result<Option<bool>, Error> {
        let Some(packet) = self.format.next_packet()? else { return Ok(None) };
        if packet.track_id != self.track {
            return Ok(Some(false));
        }
        let decoded = self.decoder.decode(&packet)?;
        if decoded.frames() == 0 || decoded.num_planes() == 0 {
            return Ok(Some(false));
        }
        let (sample_rate, channels) = (decoded.spec().rate(), decoded.num_planes());
        if self.facts.channels == 0 {
            self.facts = StreamFacts { codec: String::new(), sample_rate, channels, integer: is_integer(&decoded) };
        }
        if (sample_rate, channels) != (self.facts.sample_rate, self.facts.channels) {
            return Ok(None); // another stream chained behind: only the first one is heard
        }
        decoded.copy_to_vecs_planar(&mut self.block);
        Ok(Some(true))
    }
}

fn probe(bytes: Vec<u8>, name: &str) -> Result<Box<dyn FormatReader>, AudioError> {
    let mut probe = Probe::new_with_options(&ProbeOptions { max_probe_depth: PROBE_DEPTH, ..Default::default() });
    symphonia::default::register_enabled_formats(&mut probe);
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
    probe.probe(&Hint::new(), stream, Default::default(), Default::default()).map_err(|error| open_error(error, name))
}

fn open_error(error: Error, name: &str) -> AudioError {
    let name = name.to_string();
    match error {
        Error::Unsupported(detail) if detail.contains("no suitable format") => AudioError::UnknownFormat { name },
        Error::Unsupported(detail) => AudioError::Unsupported { name, detail: detail.into() },
        other => AudioError::Corrupt { name, detail: other.to_string() },
    }
}

/// The first audio track and its decoder.
fn make_decoder(format: &dyn FormatReader, name: &str) -> Result<(u32, Box<dyn AudioDecoder>), AudioError> {
    let track = format.default_track(TrackType::Audio).or_else(|| format.tracks().first());
    let unsupported = |detail: String| AudioError::Unsupported { name: name.into(), detail };
    let track = track.ok_or_else(|| AudioError::NoSamples { name: name.into() })?;
    let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio());
    let parameters = parameters.ok_or_else(|| unsupported("a track of unknown kind".into()))?;
    // Only a LAME tag tells the padding of an MP3. Without one its length is a guess, and trimming would cut sound.
    let gapless = parameters.codec != well_known::CODEC_ID_MP3 || track.delay.is_some();
    let options = AudioDecoderOptions::default().gapless(gapless);
    let decoder = symphonia::default::get_codecs().make_audio_decoder(parameters, &options);
    decoder.map(|decoder| (track.id, decoder)).map_err(|error| decoder_error(error, parameters, name))
}

fn decoder_error(error: Error, parameters: &AudioCodecParameters, name: &str) -> AudioError {
    match error {
        Error::Unsupported(detail) => {
            AudioError::Unsupported { name: name.into(), detail: codec_name(parameters.codec).unwrap_or(detail).into() }
        }
        other => AudioError::Corrupt { name: name.into(), detail: other.to_string() },
    }
}

/// Names of codecs that containers announce but nothing here decodes.
fn codec_name(codec: AudioCodecId) -> Option<&'static str> {
    Some(match codec {
        well_known::CODEC_ID_OPUS => "Opus",
        well_known::CODEC_ID_SPEEX => "Speex",
        well_known::CODEC_ID_MP1 => "MPEG layer 1",
        well_known::CODEC_ID_MP2 => "MPEG layer 2",
        well_known::CODEC_ID_AC3 => "AC-3",
        well_known::CODEC_ID_EAC3 => "E-AC-3",
        well_known::CODEC_ID_AC4 => "AC-4",
        well_known::CODEC_ID_DCA => "DTS",
        well_known::CODEC_ID_WMA => "Windows Media Audio",
        _ => return None,
    })
}

fn is_integer(buffer: &GenericAudioBufferRef<'_>) -> bool {
    !matches!(buffer, GenericAudioBufferRef::F32(_) | GenericAudioBufferRef::F64(_))
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
