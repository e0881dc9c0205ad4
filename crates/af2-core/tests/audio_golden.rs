//! Every input file, compared with what the original's loader and log-mel front end make of it.
#![allow(clippy::unwrap_used)]

mod fixture;

use af2_core::audio::frontend::{MelSettings, log_mel_reference};
use af2_core::audio::{LoadedAudio, codes_from_f32, from_codes, load_file, mono_from_i16};
use fixture::{Golden, bytes, json, released_audio};
use sha2::{Digest, Sha256};

const EXACT: [&str; 5] =
    ["speech_16k_mono.wav", "nonnegative_16k.wav", "silence_16k_2s.wav", "edge_160000.flac", "edge_160001.flac"];
const RESAMPLED: [&str; 5] = [
    "stereo_44k1_12s7.flac",
    "sweep_48k_24bit_25s.flac",
    "speech_22k05.flac",
    "float_3ch_32k.wav",
    "tone_11k025_u8.wav",
];
const MP3: [&str; 2] = ["speech_16k_mono.mp3", "stereo_44k1.mp3"];
const LONG: &str = "long_8k_127s.flac";

fn load(name: &str) -> LoadedAudio {
    load_file(bytes(&format!("inputs/{name}")), name, &released_audio(), 12).unwrap()
}

fn golden(name: &str) -> Golden {
    Golden::open(&format!("golden/audio/{name}.safetensors"))
}

fn info(name: &str, key: &str) -> Option<usize> {
    json("golden/audio/audio.json")[name][key].as_u64().map(|value| value as usize)
}

/// Shares of equal codes and the largest difference after the first 70 samples, plus the largest one within them.
fn compare(ours: &[i16], theirs: &[i16]) -> (f64, i32, i32) {
    assert_eq!(ours.len(), theirs.len());
    let differences: Vec<i32> = ours.iter().zip(theirs).map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs()).collect();
    let equal = differences.iter().filter(|&&difference| difference == 0).count() as f64 / ours.len() as f64;
    let (start, rest) = differences.split_at(70.min(differences.len()));
    (equal, rest.iter().copied().max().unwrap_or(0), start.iter().copied().max().unwrap_or(0))
}

#[test]
fn lengths_and_windows_of_every_input() {
    for name in EXACT.iter().chain(&RESAMPLED).chain(&MP3).chain(&[LONG]) {
        let clip = load(name);
        assert_eq!(Some(clip.windows.codes.len()), info(name, "used"), "{name}");
        assert_eq!(Some(clip.windows.count), info(name, "windows"), "{name}");
        let rate = info(name, "rate").or(info(name, "decoded_rate"));
        assert_eq!(Some(clip.info.source_rate as usize), rate, "{name}");
        let channels = info(name, "channels").or(info(name, "decoded_channels"));
        assert_eq!(Some(clip.info.channels), channels, "{name}");
    }
}

#[test]
fn sounds_at_16_khz_are_exact_to_the_bit() {
    for name in EXACT {
        let clip = load(name);
        assert!(clip.windows.codes == golden(name).i16("pcm_i16"), "{name}");
        let mut hash = Sha256::new();
        for window in 0..clip.windows.count {
            clip.windows.window_samples_f32(window).iter().for_each(|sample| hash.update(sample.to_le_bytes()));
        }
        let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, json("golden/audio/audio.json")[name]["f32_sha256"].as_str().unwrap(), "{name}");
    }
}

#[test]
fn resampled_sounds_differ_by_single_codes() {
    for name in RESAMPLED {
        let (equal, largest, at_start) = compare(&load(name).windows.codes, &golden(name).i16("pcm_i16"));
        println!("{name}: {:.3} % equal, others ±{largest}, first 70 samples ±{at_start}", equal * 100.0);
        // This tone repeats every 80 samples: one value that lies 0.006 of a code above a step returns 200 times.
        let share = if name == "float_3ch_32k.wav" { 0.99 } else { 0.995 };
        assert!(equal >= share && largest <= 1 && at_start <= 50, "{name}: {equal} {largest} {at_start}");
    }
}

#[test]
fn long_sound_is_cut_before_the_rate_change() {
    let (clip, golden) = (load(LONG), golden(LONG));
    assert!(clip.info.truncated);
    assert_eq!((clip.info.frames, clip.info.seconds), (960_000, 120.0));
    let codes = &clip.windows.codes;
    let sparse: Vec<i16> = codes.iter().copied().step_by(997).collect();
    let parts = [
        (&codes[..32000], golden.i16("pcm_i16_head")),
        (&codes[codes.len() - 32000..], golden.i16("pcm_i16_tail")),
        (&sparse[..], golden.i16("pcm_i16_every_997")),
    ];
    for (ours, theirs) in parts {
        let (equal, largest, _) = compare(ours, &theirs);
        println!("{:.3} % equal, others ±{largest}", equal * 100.0);
        assert!(equal >= 0.995 && largest <= 1, "{equal} {largest}");
    }
}

#[test]
fn mp3_rules_are_exact_after_the_decoder() {
    for name in MP3 {
        let golden = golden(name);
        let channels = golden.shape("decoded_i16")[1];
        let rate = info(name, "decoded_rate").unwrap() as u32;
        let mono = mono_from_i16(&golden.i16("decoded_i16"), channels, rate, 16000);
        assert!(codes_from_f32(&mono) == golden.i16("pcm_i16"), "{name}");
    }
}

#[test]
fn mp3_files_are_within_two_codes() {
    for name in MP3 {
        let (ours, theirs) = (load(name).windows.codes, golden(name).i16("pcm_i16"));
        let close = ours.iter().zip(&theirs).filter(|(a, b)| (i32::from(**a) - i32::from(**b)).abs() <= 2).count();
        let (equal, largest, _) = compare(&ours, &theirs);
        println!("{name}: {:.3} % equal, largest difference {largest}", equal * 100.0);
        assert!(close as f64 >= 0.99 * ours.len() as f64, "{name}: {close} of {}", ours.len());
    }
}

#[test]
fn log_mel_of_golden_codes() {
    for name in EXACT.iter().chain(&RESAMPLED).chain(&MP3) {
        let golden = golden(name);
        let windows = from_codes(&golden.i16("pcm_i16"), &released_audio(), 12).unwrap();
        let ours = log_mel_reference(&windows.window_samples_f32(0), &MelSettings::default());
        assert_eq!(ours.len(), 1001 * 64);
        let (theirs, rows) = if golden.has("logmel") {
            (golden.f32("logmel"), (0..1001).collect())
        } else {
            (golden.f32("logmel_window0_rows"), golden.integers("logmel_rows_at"))
        };
        let ours: Vec<f32> = rows.iter().flat_map(|&row| &ours[row as usize * 64..][..64]).copied().collect();
        check_log_mel(name, &ours, &theirs[..ours.len()]);
    }
}

/// The tolerances of the reference: they follow the float32 noise, which is larger far below the loudest bin.
fn check_log_mel(name: &str, ours: &[f32], theirs: &[f32]) {
    let mut squares = 0.0;
    for (ours, theirs) in ours.chunks(64).zip(theirs.chunks(64)) {
        let loudest = theirs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for (a, b) in ours.iter().zip(theirs) {
            let tolerance = if *b > -40.0 {
                5e-3
            } else if *b > loudest - 100.0 {
                0.05
            } else {
                0.5
            };
            assert!((a - b).abs() <= tolerance, "{name}: {a} against {b}");
            squares += f64::from(a - b).powi(2);
        }
    }
    let rms = (squares / ours.len() as f64).sqrt();
    assert!(rms <= 0.01, "{name}: rms {rms} dB");
}
