//! The constant tables and the rate converter against values taken from the original's libraries.
#![allow(clippy::unwrap_used)]

mod fixture;

use af2_core::audio::frontend::{bicubic_table, hann_window, mel_filter_bank};
use af2_core::audio::resample;
use fixture::{Golden, json};

fn frontend() -> Golden {
    Golden::open("golden/frontend/frontend.safetensors")
}

fn largest_difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn hann_window_is_periodic() {
    let difference = largest_difference(&hann_window(1024), &frontend().f32("hann"));
    println!("hann: {difference:e}");
    assert!(difference <= 1e-7, "{difference:e}");
}

#[test]
fn mel_filter_bank_follows_the_float32_original() {
    let difference = largest_difference(&mel_filter_bank(1024, 64, 16000, 50.0, 8000.0), &frontend().f32("mel_fb"));
    println!("mel: {difference:e}");
    assert!(difference <= 3e-6, "{difference:e}");
}

#[test]
fn bicubic_table_follows_the_float32_original() {
    let (table, golden) = (bicubic_table(1001, 1024), frontend());
    let indices: Vec<i64> = table.indices.iter().flatten().map(|&index| index.into()).collect();
    assert_eq!(indices, golden.integers("bicubic_index"));
    let difference = largest_difference(table.weights.as_flattened(), &golden.f32("bicubic_weight"));
    println!("bicubic: {difference:e}");
    assert!(difference == 0.0, "{difference:e}");
}

#[test]
fn resampled_noise_agrees_with_the_original_converter() {
    let golden = frontend();
    for rate in [8000u32, 11025, 22050, 24000, 32000, 44100, 48000, 96000] {
        let input: Vec<f64> = golden.f32(&format!("resample_{rate}_in")).iter().map(|&x| x.into()).collect();
        let theirs = golden.f32(&format!("resample_{rate}_out"));
        let ours: Vec<f32> = resample(&input, rate, 16000).iter().map(|&x| x as f32).collect();
        // The original's first stage drops what it would output before time zero: free within 70 samples.
        let difference = largest_difference(&ours[70..], &theirs[70..]);
        println!("{rate}: {difference:e}");
        assert!(difference <= 2e-6, "{rate}: {difference:e}");
    }
}

#[test]
fn impulse_responses_agree_with_the_original_converter() {
    let golden = frontend();
    for (rate, length, at) in [(44100u32, 4411usize, 2205usize), (48000, 4801, 2400)] {
        let mut impulse = vec![0.0; length];
        impulse[at] = 1.0;
        let ours: Vec<f32> = resample(&impulse, rate, 16000).iter().map(|&x| x as f32).collect();
        let difference = largest_difference(&ours, &golden.f32(&format!("impulse_{rate}_out")));
        assert!(difference <= 1e-6, "{rate}: {difference:e}");
    }
}

#[test]
fn resampled_lengths_are_ceilings_with_zeros_at_the_end() {
    let lengths = json("golden/frontend/resample_lengths.json");
    for (rate, cases) in lengths["lengths"].as_object().unwrap() {
        for (length, expected) in cases.as_object().unwrap() {
            let (rate, length): (u32, usize) = (rate.parse().unwrap(), length.parse().unwrap());
            let output = resample(&vec![1.0; length], rate, 16000);
            assert_eq!(Some(output.len() as u64), expected[0].as_u64(), "{rate} Hz, {length} samples");
            let converted = expected[1].as_u64().unwrap() as usize;
            assert!(output[converted..].iter().all(|&sample| sample == 0.0), "{rate} Hz, {length} samples");
        }
    }
}

/// A tone far below the band limit must come out as the same tone, at any ratio.
#[test]
fn odd_rates_keep_a_tone() {
    for rate in [1000u32, 7919, 12345, 16001, 44056, 44101, 191_999, 768_000] {
        let frequency = 200.0;
        let seconds = if rate > 100_000 { 0.1 } else { 0.5 };
        let tone = |i: usize, rate: u32| (std::f64::consts::TAU * frequency * i as f64 / f64::from(rate)).sin();
        let input: Vec<f64> = (0..(seconds * f64::from(rate)) as usize).map(|i| tone(i, rate)).collect();
        let output = resample(&input, rate, 16000);
        // Away from the borders, where the filter sees the silence around the sound.
        let border = (110.0 * 16000.0 / f64::from(rate.min(16000))) as usize;
        let inner = border..output.len() - border;
        let worst = inner.map(|i| (output[i] - tone(i, 16000)).abs()).fold(0.0, f64::max);
        println!("{rate}: {worst:e}");
        assert!(worst < 2e-6, "{rate} Hz: {worst:e}");
    }
}
