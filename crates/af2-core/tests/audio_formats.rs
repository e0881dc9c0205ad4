//! Every supported format decodes to what the libraries of the original give; the name decides the rules.
#![allow(clippy::unwrap_used)]

mod fixture;
mod wav;

use af2_core::audio::{AudioError, AudioInfo, LoadedAudio, Source, load_file};
use fixture::{bytes, json, released_audio};
use sha2::{Digest, Sha256};
use wav::{FLOAT, PCM, wav, wav_i16};

fn load_bytes(bytes: Vec<u8>, name: &str) -> Result<LoadedAudio, AudioError> {
    load_file(bytes, name, &released_audio(), 12)
}

fn load(name: &str) -> Result<LoadedAudio, AudioError> {
    load_bytes(bytes(&format!("formats/{name}")), name)
}

fn sha256_of_codes(clip: &LoadedAudio) -> String {
    let bytes: Vec<u8> = clip.windows.codes.iter().flat_map(|code| code.to_le_bytes()).collect();
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Samples of channel 0 as they are decoded.
fn decode(bytes: Vec<u8>) -> Vec<f64> {
    let mut samples = Vec::new();
    Source::open(bytes, "made.wav").unwrap().read(1 << 20, |block| samples.extend(block[0])).unwrap();
    samples
}

#[test]
fn rates_channels_and_frames() {
    for (name, expected) in json("formats/expected.json").as_object().unwrap() {
        let info = load(name).unwrap().info;
        let ours = [info.source_rate as usize, info.channels, info.frames].map(|value| Some(value as u64));
        assert_eq!(ours, ["rate", "channels", "frames"].map(|key| expected[key].as_u64()), "{name}");
    }
}

#[test]
fn formats_without_freedom_are_exact() {
    let expected = json("formats/expected.json");
    for name in ["chirp.wav", "chirp.flac", "chirp.aiff", "chirp_alaw.wav", "chirp_mulaw.wav", "chirp_ms_adpcm.wav"] {
        assert_eq!(sha256_of_codes(&load(name).unwrap()), expected[name]["codes_sha256"].as_str().unwrap(), "{name}");
    }
    assert_eq!(load("chirp_alac.m4a").unwrap().windows.codes, load("chirp.wav").unwrap().windows.codes);
}

/// Codecs with freedom in their arithmetic must still give the chirp, at the right time.
#[test]
fn lossy_formats_sound_like_the_source() {
    let original = load("chirp.wav").unwrap().windows.codes;
    // Start of the audio: the AAC encoder's 1024 frames where no edit list drops them, and the MP3 delay that only a tag
    // can tell, are kept.
    let cases = [
        ("chirp_vorbis.ogg", 0, 12.0),
        ("chirp_stereo.ogg", 0, 12.0),
        ("chirp_aac.m4a", 0, 12.0),
        ("chirp_aac.aac", 1024, 12.0),
        ("chirp_ima_adpcm.wav", 0, 12.0),
        ("chirp_opus.ogg", 0, 12.0),
        ("chirp.webm", 0, 12.0),
        ("chirp_id3.mp3", 0, 12.0),
        ("chirp_no_tag.mp3", 1105, 12.0),
    ];
    for (name, delay, decibels) in cases {
        let codes = load(name).unwrap().windows.codes;
        let ratio = signal_to_noise(&original, &codes[delay..]);
        println!("{name}: {ratio:.1} dB");
        assert!(ratio > decibels, "{name}: {ratio:.1} dB");
    }
}

fn signal_to_noise(original: &[i16], decoded: &[i16]) -> f64 {
    let pairs = || original.iter().zip(decoded).map(|(a, b)| (f64::from(*a), f64::from(*b)));
    let power: f64 = pairs().map(|(a, _)| a * a).sum();
    let gain = pairs().map(|(a, b)| a * b).sum::<f64>() / pairs().map(|(_, b)| b * b).sum::<f64>();
    10.0 * (power / pairs().map(|(a, b)| (a - gain * b).powi(2)).sum::<f64>()).log10()
}

#[test]
fn integers_are_divided_by_their_half_range() {
    let eight = decode(wav(PCM, 1, 16000, 8, &[0, 64, 128, 255]));
    assert_eq!(eight, [-1.0, -0.5, 0.0, 127.0 / 128.0]);
    let sixteen = decode(wav_i16(1, 16000, &[i16::MIN, 1, i16::MAX]));
    assert_eq!(sixteen, [-1.0, 1.0 / 32768.0, 32767.0 / 32768.0]);
    let twenty_four = decode(wav(PCM, 1, 16000, 24, &[0, 0, 0x80, 1, 0, 0, 0xff, 0xff, 0x7f]));
    assert_eq!(twenty_four, [-1.0, 1.0 / 8388608.0, 8388607.0 / 8388608.0]);
    let words = [i32::MIN, 1, i32::MAX].map(i32::to_le_bytes).concat();
    assert_eq!(decode(wav(PCM, 1, 16000, 32, &words)), [-1.0, 1.0 / 2147483648.0, 2147483647.0 / 2147483648.0]);
}

#[test]
fn floats_are_taken_as_they_are() {
    let singles = [0.1f32, -3.5, 1e-30].map(f32::to_le_bytes).concat();
    assert_eq!(decode(wav(FLOAT, 1, 16000, 32, &singles)), [0.1f32 as f64, -3.5, 1e-30f32 as f64]);
    let doubles = [0.1f64, -3.5, 1e-300].map(f64::to_le_bytes).concat();
    assert_eq!(decode(wav(FLOAT, 1, 16000, 64, &doubles)), [0.1, -3.5, 1e-300]);
}

#[test]
fn general_rules_keep_channel_0_and_mp3_rules_average() {
    let stereo = wav_i16(2, 16000, &[1000, 3000, -2000, -6000, 500, 0]);
    let codes = |name: &str| load_bytes(stereo.clone(), name).unwrap().windows.codes;
    let scaled = |samples: [f64; 3], peak: f64| samples.map(|sample| (sample / peak * 32767.0) as i16);
    assert_eq!(codes("a.wav"), scaled([1000.0, -2000.0, 500.0], 2000.0));
    assert_eq!(codes("a.MP3"), codes("a.wav"));
    assert_eq!(codes("mp3"), codes("a.wav"));
    assert_eq!(codes("a.mp3"), scaled([2000.0, -4000.0, 250.0], 4000.0));
}

#[test]
fn mp3_under_another_name_is_not_rounded_to_16_bits() {
    let mp3 = bytes("formats/chirp_id3.mp3");
    let by_mp3_rules = load_bytes(mp3.clone(), "chirp.mp3").unwrap();
    let by_general_rules = load_bytes(mp3, "chirp.MP3").unwrap();
    let general_level = by_general_rules.info.level;
    assert_eq!(AudioInfo { level: general_level, ..by_mp3_rules.info }, by_general_rules.info);
    assert_ne!(by_mp3_rules.windows.codes, by_general_rules.windows.codes);
}

#[test]
fn limits_of_the_caller_and_overlap_hold() {
    let long = bytes("inputs/long_8k_127s.flac");
    let (mut config, name) = (released_audio(), "long_8k_127s.flac");
    let three = load_file(long.clone(), name, &config, 3).unwrap();
    assert_eq!((three.windows.count, three.windows.codes.len(), three.info.truncated), (3, 480_000, true));
    let thirty = load_file(long.clone(), name, &config, 30).unwrap();
    assert_eq!((thirty.windows.count, thirty.windows.codes.len(), thirty.info.truncated), (13, 2_032_000, false));
    config.window_overlap = 4.0;
    let overlapping = load_file(long, name, &config, 3).unwrap();
    assert_eq!((overlapping.windows.count, overlapping.windows.codes.len()), (3, 352_000));
    assert_eq!(overlapping.windows.covered_codes(1), &overlapping.windows.codes[96_000..256_000]);
}
