//! Uncompressed samples, and the logarithmic codes of telephony.

use crate::audio::containers::Order;
use crate::audio::refusal::{Refusal, unsupported};

/// Channels at most; libsndfile's limit.
pub const MAX_CHANNELS: usize = 1024;

/// Frames that are decoded at a time.
const BLOCK_FRAMES: usize = 4096;

/// How one sample is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Two's complement, the value in the upper bits.
    Signed,
    /// The same plus half the range.
    Unsigned,
    /// IEEE float.
    Float,
    /// G.711 A-law.
    ALaw,
    /// G.711 µ-law.
    MuLaw,
}

/// The layout of interleaved samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PcmFormat {
    /// How one sample is stored.
    pub encoding: Encoding,
    /// Order of its bytes.
    pub order: Order,
    /// Its bytes.
    pub width: usize,
    /// Channels.
    pub channels: usize,
    /// Frames per second.
    pub rate: u32,
}

impl PcmFormat {
    /// Checks that samples of this kind exist.
    ///
    /// # Errors
    /// [`Refusal`] for a width or a number of channels that nothing here reads.
    pub fn checked(self) -> Result<Self, Refusal> {
        let width = match self.encoding {
            Encoding::Signed | Encoding::Unsigned => matches!(self.width, 1..=4),
            Encoding::Float => matches!(self.width, 4 | 8),
            Encoding::ALaw | Encoding::MuLaw => self.width == 1,
        };
        if !width {
            return unsupported(format!("{} of {} bits", self.kind(), self.width * 8));
        }
        if !(1..=MAX_CHANNELS).contains(&self.channels) {
            return unsupported(format!("audio with {} channels", self.channels));
        }
        Ok(self)
    }

    /// Bytes of one frame.
    pub fn frame_bytes(&self) -> usize {
        self.width * self.channels
    }

    /// Bytes that are decoded at a time.
    pub fn block_bytes(&self) -> usize {
        self.frame_bytes() * (BLOCK_FRAMES / self.channels).max(1)
    }

    /// Whether samples are integers.
    pub fn is_integer(&self) -> bool {
        self.encoding != Encoding::Float
    }

    /// Short name, for example `pcm_s16le`.
    pub fn name(&self) -> String {
        let kind = match self.encoding {
            Encoding::Signed => "s",
            Encoding::Unsigned => "u",
            Encoding::Float => "f",
            Encoding::ALaw => return "pcm_alaw".into(),
            Encoding::MuLaw => return "pcm_mulaw".into(),
        };
        let order = match self.order {
            _ if self.width == 1 => "",
            Order::Little => "le",
            Order::Big => "be",
        };
        format!("pcm_{kind}{}{order}", self.width * 8)
    }

    fn kind(&self) -> &'static str {
        match self.encoding {
            Encoding::Signed | Encoding::Unsigned => "integer samples",
            Encoding::Float => "float samples",
            Encoding::ALaw => "A-law",
            Encoding::MuLaw => "µ-law",
        }
    }

    /// Appends whole frames to one vector per channel; a cut frame at the end is left out.
    pub fn decode(&self, data: &[u8], planes: &mut [Vec<f64>]) {
        for frame in data.chunks_exact(self.frame_bytes()) {
            for (plane, sample) in planes.iter_mut().zip(frame.chunks_exact(self.width)) {
                plane.push(self.sample(sample));
            }
        }
    }

    /// Integers of b bits divided by 2^(b−1), floats as they are.
    fn sample(&self, bytes: &[u8]) -> f64 {
        let mut top_first = [0u8; 8];
        for (to, from) in top_first.iter_mut().zip(0..self.width) {
            *to = bytes[if self.order == Order::Big { from } else { self.width - 1 - from }];
        }
        let word = i64::from_be_bytes(top_first);
        match self.encoding {
            Encoding::Signed => word as f64 / HALF_RANGE,
            Encoding::Unsigned => (word ^ i64::MIN) as f64 / HALF_RANGE,
            Encoding::Float if self.width == 4 => f32::from_bits((word >> 32) as u32).into(),
            Encoding::Float => f64::from_bits(word as u64),
            Encoding::ALaw => f64::from(a_law(bytes[0])) / 32768.0,
            Encoding::MuLaw => f64::from(mu_law(bytes[0])) / 32768.0,
        }
    }
}

/// 2^63: samples are moved to the top of 64 bits.
const HALF_RANGE: f64 = 9_223_372_036_854_775_808.0;

/// ITU-T G.711: the 13-bit value of a code, in 16 bits.
fn a_law(code: u8) -> i16 {
    let code = code ^ 0x55;
    let (segment, step) = (i32::from(code >> 4 & 7), i32::from(code & 15));
    let magnitude = if segment == 0 { (step << 4) + 8 } else { ((step << 4) + 0x108) << (segment - 1) };
    (if code & 0x80 == 0 { -magnitude } else { magnitude }) as i16
}

/// ITU-T G.711: the 14-bit value of a code, in 16 bits.
fn mu_law(code: u8) -> i16 {
    let code = !code;
    let magnitude = ((i32::from(code & 15) << 3) + 0x84) << (code >> 4 & 7);
    (if code & 0x80 == 0 { magnitude - 0x84 } else { 0x84 - magnitude }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(encoding: Encoding, order: Order, width: usize, data: &[u8]) -> Vec<f64> {
        let mut planes = [Vec::new()];
        PcmFormat { encoding, order, width, channels: 1, rate: 16000 }.decode(data, &mut planes);
        let [plane] = planes;
        plane
    }

    #[test]
    fn both_orders_of_every_width_mean_the_same() {
        for width in 1..=4 {
            let big: Vec<u8> = [0xc0, 1, 2, 3][..width].to_vec();
            let little: Vec<u8> = big.iter().rev().copied().collect();
            let value = decode(Encoding::Signed, Order::Big, width, &big)[0];
            assert_eq!(decode(Encoding::Signed, Order::Little, width, &little), [value]);
            assert!((value + 0.5).abs() < 0.01, "{value}");
        }
        assert_eq!(decode(Encoding::Unsigned, Order::Big, 1, &[0, 128, 255]), [-1.0, 0.0, 127.0 / 128.0]);
        assert_eq!(decode(Encoding::Float, Order::Big, 8, &(-0.1f64).to_be_bytes()), [-0.1]);
    }

    #[test]
    fn logarithmic_codes_of_the_recommendation() {
        assert_eq!([0xff, 0x7f, 0x80, 0x00].map(mu_law), [0, 0, 32124, -32124]);
        assert_eq!([0xd5, 0x55, 0xaa, 0x2a].map(a_law), [8, -8, 32256, -32256]);
    }
}
