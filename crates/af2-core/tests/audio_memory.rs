//! Loading takes bounded memory, whatever a file claims or unpacks to.
#![allow(clippy::unwrap_used)]

mod fixture;
mod wav;

use std::cell::Cell;
use std::io::{Read, Result as IoResult, Seek, SeekFrom};
use std::sync::{Mutex, MutexGuard};

use af2_core::audio::{Channel, LoadRules, WindowStream, load_file, load_pcm};
use af2_core::config::AudioConfig;
use fixture::{bytes, path, released_audio};
use peak_alloc::PeakAlloc;
use wav::{PCM, wav};

/// Bytes beyond the file itself that one load may hold at a time.
const BUDGET: usize = 256 << 20;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What other tests hold meanwhile would be counted.
fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The most bytes that loading a file held at a time, with the releases' limit of windows.
fn peak(file: Vec<u8>, name: &str) -> usize {
    peak_of(|| drop(load_file(file, name, &released_audio(), 12)))
}

fn peak_of(load: impl FnOnce()) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    load();
    ALLOCATOR.peak_usage().saturating_sub(before)
}

#[test]
fn every_fixture() {
    let _alone = alone();
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
    let _alone = alone();
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
    let _alone = alone();
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
    let _alone = alone();
    let channel = vec![0.5f32; 48_000 * 60];
    let channels = vec![channel.as_slice(); 32];
    let peak = peak_of(|| drop(load_pcm(&channels, 48_000, Channel::First, &released_audio(), 12)));
    println!("32 channels at 48 kHz: {} MiB", peak >> 20);
    assert!(peak < BUDGET / 2, "{peak}");
}

/// A file of any length: a start, then the same bytes again and again.
struct Endless {
    start: Vec<u8>,
    repeated: Vec<u8>,
    length: u64,
    at: u64,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        let count = buffer.len().min((self.length - self.at) as usize);
        for byte in &mut buffer[..count] {
            let beyond = (self.at as usize).checked_sub(self.start.len());
            *byte = beyond.map_or_else(|| self.start[self.at as usize], |at| self.repeated[at % self.repeated.len()]);
            self.at += 1;
        }
        Ok(count)
    }
}

impl Seek for Endless {
    fn seek(&mut self, to: SeekFrom) -> IoResult<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(_) => self.length,
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

/// The most bytes that a stream of such a file holds at a time, and the windows it gives.
fn streamed(start: &[u8], repeated: &[u8], times: usize, name: &str, config: &AudioConfig) -> (usize, usize) {
    let count = Cell::new(0);
    let length = (start.len() + repeated.len() * times) as u64;
    let (start, repeated) = (start.to_vec(), repeated.to_vec());
    let file = Endless { start, repeated, length, at: 0 };
    let peak = peak_of(|| {
        let mut stream = WindowStream::open(file, name, LoadRules::ByName, Channel::First, config, 10.0).unwrap();
        while stream.next().unwrap().is_some() {
            count.set(count.get() + 1);
        }
    });
    println!("{name}, {} windows: {} KiB", count.get(), peak >> 10);
    (peak, count.get())
}

#[test]
fn two_hours_take_the_memory_of_ten_minutes() {
    let _alone = alone();
    // At low rates, so that the hours pass quickly; a header without a length.
    let config = AudioConfig { sample_rate: 1000, ..released_audio() };
    let second: Vec<u8> = (0..1500).map(|i| (i * i % 251) as u8).collect();
    for (name, rate) in [("a.wav", 1500), ("a.mp3", 1500), ("b.wav", 1000)] {
        let start = wav(PCM, 1, rate, 8, &[]);
        let peak = |seconds: usize| {
            let (peak, windows) = streamed(&start, &second[..rate as usize], seconds, name, &config);
            assert_eq!(windows, seconds / 10);
            peak as f64
        };
        let (ten_minutes, two_hours) = (peak(600), peak(7200));
        assert!((two_hours / ten_minutes - 1.0).abs() < 0.05, "{name}: {ten_minutes} and {two_hours}");
    }
}

#[test]
fn of_compressed_audio_only_the_places_of_its_packets_grow() {
    let _alone = alone();
    // A stream of one second, again and again; only the first windows are cut.
    for (name, file, seconds) in [("chirp.aac", "chirp_aac.aac", 1.0), ("chirp.mp3", "chirp_no_tag.mp3", 1.0)] {
        let repeated = bytes(&format!("formats/{file}"));
        let opened = |times: usize| {
            let length = (repeated.len() * times) as u64;
            let file = Endless { start: Vec::new(), repeated: repeated.clone(), length, at: 0 };
            let mut duration = None;
            let peak = peak_of(|| {
                let channel = Channel::First;
                let mut stream =
                    WindowStream::open(file, name, LoadRules::ByName, channel, &released_audio(), 10.0).unwrap();
                duration = stream.duration();
                (0..3).for_each(|_| assert!(stream.next().unwrap().is_some()));
            });
            println!("{name}: {duration:?} s in {} KiB", peak >> 10);
            (peak, duration.unwrap())
        };
        let ((short, minutes), (long, hours)) = (opened(600), opened(7200));
        assert!(hours / minutes > 11.0 && hours > 3600.0 * seconds, "{minutes} and {hours}");
        assert!(long < short + (hours * 50.0 * 6.0) as usize, "{short} and {long}");
    }
}

#[test]
fn claims_of_headers_are_not_believed() {
    let _alone = alone();
    let mut claiming = wav(PCM, 2, 16000, 16, &[1; 4000]);
    claiming[40..44].fill(0xff);
    assert!(peak(claiming, "a.wav") < 16 << 20);
    let mut flac = bytes("formats/chirp.flac");
    flac[21..26].fill(0xff); // 2^36 samples
    assert!(peak(flac, "a.flac") < 64 << 20);
}
