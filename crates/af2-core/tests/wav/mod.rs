//! WAV files made on the spot.
#![allow(dead_code)] // every test file uses a part of this

/// Format tag of integer PCM.
pub const PCM: u16 = 1;
/// Format tag of floats.
pub const FLOAT: u16 = 3;

/// A WAV file around `data`.
pub fn wav(tag: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
    let frame = u32::from(channels) * u32::from(bits / 8);
    let mut file = b"RIFF".to_vec();
    file.extend((36 + data.len() as u32).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend(tag.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend(rate.wrapping_mul(frame).to_le_bytes());
    file.extend((frame as u16).to_le_bytes());
    file.extend(bits.to_le_bytes());
    file.extend(b"data");
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file
}

/// 16-bit PCM.
pub fn wav_i16(channels: u16, rate: u32, samples: &[i16]) -> Vec<u8> {
    wav(PCM, channels, rate, 16, &samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>())
}
