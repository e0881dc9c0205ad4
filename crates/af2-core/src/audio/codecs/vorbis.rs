//! Vorbis. Symphonia's decoder gives wrong samples in some files of more than two channels, so those take lewton's.

use lewton::audio::{PreviousWindowRight, read_audio_packet_generic};
use lewton::header::{IdentHeader, SetupHeader, read_header_ident, read_header_setup};
use symphonia::core::codecs::audio::well_known::CODEC_ID_VORBIS;

use super::{Codec, Decoded, Decoder as AnyDecoder, coded};
use crate::audio::containers::Order;
use crate::audio::refusal::{Refusal, damaged};

/// The identification and the setup packet, one after the other.
pub struct VorbisHeaders {
    both: Vec<u8>,
    identification: usize,
    channels: u8,
    rate: u32,
}

impl VorbisHeaders {
    /// Takes the two packets that matter; the one between holds comments.
    pub fn read(identification: &[u8], setup: &[u8]) -> Result<Self, Refusal> {
        if identification.len() != 30 || !identification.starts_with(b"\x01vorbis") || !setup.starts_with(b"\x05vorbis")
        {
            return damaged("the Vorbis headers make no sense");
        }
        let (channels, rate) = (identification[11], Order::Little.u32(identification, 12).unwrap_or(0));
        Ok(Self { both: [identification, setup].concat(), identification: identification.len(), channels, rate })
    }

    /// Frames of the longest block.
    pub fn longest_block(&self) -> u64 {
        1 << (self.both[28] >> 4)
    }

    pub(super) fn decoder(&self) -> Result<AnyDecoder, Refusal> {
        let parameters = coded(CODEC_ID_VORBIS, self.rate, self.channels.into(), &self.both);
        // Symphonia's decoder checks the sizes of the tables; lewton takes them as they are.
        let decoder = AnyDecoder::new(&Codec::Coded(Box::new(parameters)))?;
        if self.channels <= 2 {
            return Ok(decoder);
        }
        let (identification, setup) = self.both.split_at(self.identification);
        let identification = read_header_ident(identification).map_err(|error| Refusal::Damaged(error.to_string()))?;
        let blocks = (identification.blocksize_0, identification.blocksize_1);
        let setup = read_header_setup(setup, self.channels, blocks);
        let setup = setup.map_err(|error| Refusal::Damaged(error.to_string()))?;
        let previous = PreviousWindowRight::new();
        Ok(AnyDecoder::Vorbis(Box::new(Decoder { identification, setup, previous })))
    }
}

/// The decoder for more than two channels.
pub struct Decoder {
    identification: IdentHeader,
    setup: SetupHeader,
    /// Where the block before fades out.
    previous: PreviousWindowRight,
}

impl Decoder {
    pub(super) fn decode(&mut self, packet: &[u8], planes: &mut Vec<Vec<f64>>) -> Result<Decoded, String> {
        let decoded: Vec<Vec<f32>> =
            read_audio_packet_generic(&self.identification, &self.setup, packet, &mut self.previous)
                .map_err(|error| error.to_string())?;
        *planes = decoded.into_iter().map(|plane| plane.into_iter().map(f64::from).collect()).collect();
        Ok(Decoded { rate: self.identification.audio_sample_rate, integer: false })
    }
}
