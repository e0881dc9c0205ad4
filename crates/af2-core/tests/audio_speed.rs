//! Loading times, to be run by hand: `cargo test --release -p af2-core --test audio_speed -- --ignored --nocapture`.
#![allow(clippy::unwrap_used)]

mod fixture;

use std::time::Instant;

use af2_core::audio::{load_file, resample};
use fixture::{bytes, released_audio};

#[test]
#[ignore = "a measurement"]
fn time_of_loading() {
    for name in ["long_8k_127s.flac", "sweep_48k_24bit_25s.flac", "stereo_44k1_12s7.flac", "stereo_44k1.mp3"] {
        let file = bytes(&format!("inputs/{name}"));
        let start = Instant::now();
        let clip = load_file(file, name, &released_audio(), 30).unwrap();
        println!("{name}: {:.1} s of sound in {:.0} ms", clip.facts.seconds, start.elapsed().as_secs_f64() * 1e3);
    }
}

#[test]
#[ignore = "a measurement"]
fn time_of_resampling_five_minutes() {
    for rate in [8000u32, 22050, 44056, 44100, 44101, 48000, 96000, 192_000] {
        let input: Vec<f64> = (0..rate as usize * 300).map(|i| (i as f64 * 0.05).sin()).collect();
        let start = Instant::now();
        let output = resample(&input, rate, 16000);
        println!("{rate} Hz: {} samples in {:.0} ms", output.len(), start.elapsed().as_secs_f64() * 1e3);
    }
}
