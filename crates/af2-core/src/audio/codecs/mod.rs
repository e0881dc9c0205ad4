//! Codecs: from a packet to samples, one vector per channel.

mod opus;
mod pcm;
mod vorbis;

pub use opus::{OpusHead, packet_samples};
pub use pcm::{Encoding, PcmFormat};
pub use vorbis::VorbisHeaders;

use symphonia::core::audio::{Channels, GenericAudioBufferRef};
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_MP3};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};

use super::refusal::{Refusal, unsupported};

/// A codec with what its decoder must know.
pub enum Codec {
    /// Samples as they are.
    Pcm(PcmFormat),
    /// Opus.
    Opus(OpusHead),
    /// Vorbis.
    Vorbis(VorbisHeaders),
    /// A codec of symphonia.
    Coded(Box<AudioCodecParameters>),
}

impl Codec {
    /// Frames of `packets` packets, of `bytes` in all, where their number tells. Lossless packets and those of Opus and Vorbis vary.
    pub fn frames(&self, packets: u64, bytes: impl FnOnce() -> u64) -> Option<u64> {
        match self {
            Self::Pcm(format) => Some(bytes() / format.frame_bytes() as u64),
            Self::Coded(parameters) => {
                let frames = match parameters.codec {
                    // Versions 2 and 2.5 have the lower rates and half as long packets.
                    CODEC_ID_MP3 => 576 << u64::from(parameters.sample_rate.is_some_and(|rate| rate >= 32_000)),
                    CODEC_ID_AAC => 1024,
                    _ => parameters.frames_per_block?,
                };
                Some(packets * frames)
            }
            Self::Opus(_) | Self::Vorbis(_) => None,
        }
    }
}

/// Parameters of a codec of symphonia.
pub fn coded(codec: AudioCodecId, rate: u32, channels: u16, configuration: &[u8]) -> AudioCodecParameters {
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(codec).with_sample_rate(rate).with_channels(Channels::Discrete(channels));
    if !configuration.is_empty() {
        parameters.with_extra_data(configuration.into());
    }
    parameters
}

/// A decoder of any codec.
pub enum Decoder {
    /// Samples as they are.
    Pcm(PcmFormat),
    /// Opus.
    Opus(Box<opus::Decoder>),
    /// Vorbis in more than two channels.
    Vorbis(Box<vorbis::Decoder>),
    /// A codec of symphonia.
    Coded(Box<dyn AudioDecoder>),
}

/// What a packet was decoded to.
pub struct Decoded {
    /// Frames per second.
    pub rate: u32,
    /// Whether the samples are integers.
    pub integer: bool,
}

impl Decoder {
    /// The decoder of a codec.
    ///
    /// # Errors
    /// [`Refusal`] for a codec that is not decoded, or whose description makes no sense.
    pub fn new(codec: &Codec) -> Result<Self, Refusal> {
        match codec {
            Codec::Pcm(format) => Ok(Self::Pcm(*format)),
            Codec::Opus(head) => opus::Decoder::new(head).map(|decoder| Self::Opus(Box::new(decoder))),
            Codec::Vorbis(headers) => headers.decoder(),
            Codec::Coded(parameters) => {
                let decoder =
                    symphonia::default::get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default());
                decoder.map(Self::Coded).map_err(|error| Refusal::Damaged(error.to_string()))
            }
        }
    }

    /// Short name of the codec, for example `flac`.
    pub fn name(&self) -> String {
        match self {
            Self::Pcm(format) => format.name(),
            Self::Opus(_) => "opus".into(),
            Self::Vorbis(_) => "vorbis".into(),
            Self::Coded(decoder) => decoder.codec_info().short_name.into(),
        }
    }

    /// Bytes after which a range of the file is cut into further packets; `None` where ranges are packets.
    pub fn block_bytes(&self) -> Option<usize> {
        match self {
            Self::Pcm(format) => Some(format.block_bytes()),
            _ => None,
        }
    }

    /// Decodes a packet into `planes`, whose former content is dropped.
    ///
    /// # Errors
    /// What the decoder says about a packet that it cannot decode.
    pub fn decode(&mut self, packet: &[u8], planes: &mut Vec<Vec<f64>>) -> Result<Decoded, String> {
        match self {
            Self::Pcm(format) => {
                planes.resize_with(format.channels, Vec::new);
                planes.iter_mut().for_each(Vec::clear);
                format.decode(packet, planes);
                Ok(Decoded { rate: format.rate, integer: format.is_integer() })
            }
            Self::Opus(decoder) => decoder.decode(packet, planes),
            Self::Vorbis(decoder) => decoder.decode(packet, planes),
            Self::Coded(decoder) => {
                // Only ADPCM asks for the duration: a packet is one block there.
                let block = decoder.codec_params().frames_per_block.unwrap_or(0);
                let packet = PacketRef::new(0, Timestamp::new(0), Duration::new(block), packet);
                let decoded = decoder.decode_ref(&packet).map_err(|error| error.to_string())?;
                decoded.copy_to_vecs_planar(planes);
                let integer = !matches!(decoded, GenericAudioBufferRef::F32(_) | GenericAudioBufferRef::F64(_));
                Ok(Decoded { rate: decoded.spec().rate(), integer })
            }
        }
    }
}

/// Refuses more channels than any buffer should be made for.
pub(super) fn check_channels(channels: usize) -> Result<(), Refusal> {
    if (1..=pcm::MAX_CHANNELS).contains(&channels) {
        Ok(())
    } else {
        unsupported(format!("audio with {channels} channels"))
    }
}
