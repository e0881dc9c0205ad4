//! `host_rates [AUDIO…]`: weights packed per second, resampling of five minutes from common rates, and the time to load audio files.

use std::env;
use std::error::Error;
use std::fs;
use std::time::Instant;

use af2_core::audio::{load_file, resample};
use af2_core::config::AudioConfig;
use af2_core::weights::Scheme;

fn main() -> Result<(), Box<dyn Error>> {
    let (rows, cols) = (2048, 4096);
    let values: Vec<f32> = (0..rows * cols).map(|i| (i * i % 20_011) as f32 / 20_011.0 - 0.5).collect();
    for scheme in [Scheme::Q4, Scheme::Q8] {
        let start = Instant::now();
        scheme.pack(rows, cols, &values)?;
        println!("{scheme}: {:.1} M weights/s", values.len() as f64 / start.elapsed().as_secs_f64() / 1e6);
    }
    for rate in [8000, 22_050, 44_100, 44_101, 48_000, 96_000] {
        let signal: Vec<f64> = (0..rate as usize * 300).map(|i| (i as f64 * 0.05).sin()).collect();
        let start = Instant::now();
        let samples = resample(&signal, rate, 16_000).len();
        println!("{rate} Hz: {samples} samples in {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    }
    let audio = AudioConfig { sample_rate: 16_000, window_length: 10.0, window_overlap: 0.0, max_num_window: 30 };
    for path in env::args().skip(1) {
        let bytes = fs::read(&path)?;
        let start = Instant::now();
        let loaded = load_file(bytes, &path, &audio, audio.max_num_window)?;
        println!("{path}: {:.1} s of audio in {:.0} ms", loaded.info.seconds, start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}
