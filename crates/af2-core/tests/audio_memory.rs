//! Loading takes bounded memory, whatever a file claims or unpacks to.
#![allow(clippy::unwrap_used)]

mod fixture;
mod wav;

use std::sync::Mutex;

use af2_core::audio::{load_file, load_pcm};
use fixture::{bytes, path, released_audio};
use peak_alloc::PeakAlloc;
use wav::{PCM, wav};

/// Bytes beyond the file itself that one load may hold at a time.
const BUDGET: usize = 256 << 20;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The most bytes that loading a file held at a time, with the releases' limit of windows.
fn peak(file: Vec<u8>, name: &str) -> usize {
    peak_of(|| drop(load_file(file, name, &released_audio(), 12)))
}

fn peak_of(load: impl FnOnce()) -> usize {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    load();
    ALLOCATOR.peak_usage().saturating_sub(before)
}

#[test]
fn every_fixture() {
    for folder in ["formats", "inputs"] {
        for entry in std::fs::read_dir(path(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let peak = peak(bytes(&format!("{folder}/{name}")), &name);
            println!("{name}: {} MiB", peak >> 20);
            assert!(peak < BUDGET, "{name}: {peak}");
        }
    }
}

#[test]
fn high_rates_and_many_channels() {
    // 20 s in one channel at the highest rate, and 1024 channels.
    for (channels, rate, frames) in [(1u16, 384_000, 384_000 * 20), (1024, 16_000, 16_000)] {
        let data = vec![7u8; usize::from(channels) * frames];
        for name in ["a.wav", "a.mp3"] {
            let peak = peak(wav(PCM, channels, rate, 8, &data), name);
            println!("{channels} channels at {rate} Hz, {name}: {} MiB", peak >> 20);
            assert!(peak < BUDGET / 2, "{peak}");
        }
    }
}

#[test]
fn the_longest_audio_that_is_heard() {
    let second: Vec<u8> = (0..16_000).map(|i| (i % 251) as u8).collect();
    let file = wav(PCM, 1, 16_000, 8, &second.repeat(1501));
    for name in ["a.wav", "a.mp3"] {
        let file = file.clone();
        let peak = peak_of(|| {
            let loaded = load_file(file, name, &released_audio(), 150).unwrap();
            assert_eq!((loaded.windows.count, loaded.info.truncated), (150, true));
        });
        println!("{name}: {} MiB", peak >> 20);
        assert!(peak < BUDGET, "{name}: {peak}");
    }
}

#[test]
fn raw_samples_in_many_channels() {
    let channel = vec![0.5f32; 48_000 * 60];
    let channels = vec![channel.as_slice(); 32];
    let peak = peak_of(|| drop(load_pcm(&channels, 48_000, &released_audio(), 12)));
    println!("32 channels at 48 kHz: {} MiB", peak >> 20);
    assert!(peak < BUDGET / 2, "{peak}");
}

#[test]
fn claims_of_headers_are_not_believed() {
    let mut claiming = wav(PCM, 2, 16000, 16, &[1; 4000]);
    claiming[40..44].fill(0xff);
    assert!(peak(claiming, "a.wav") < 16 << 20);
    let mut flac = bytes("formats/chirp.flac");
    flac[21..26].fill(0xff); // 2^36 samples
    assert!(peak(flac, "a.flac") < 64 << 20);
}
