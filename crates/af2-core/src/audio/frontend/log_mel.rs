//! The log-mel spectrogram in float64 loops: the oracle for the GPU kernels.

use super::fourier::{fft_in_place, hann_window};
use super::mel_filter_bank::mel_filter_bank;

/// Power below which a band counts as silent, −100 dB.
const POWER_FLOOR: f64 = 1e-10;

/// Sizes and band limits of the spectrogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MelSettings {
    /// Samples per second.
    pub sample_rate: u32,
    /// Samples per frame, a power of two.
    pub n_fft: usize,
    /// Samples from frame to frame.
    pub hop_length: usize,
    /// Mel bands.
    pub n_mels: usize,
    /// Lower edge of the first band, in Hz.
    pub f_min: f64,
    /// Upper edge of the last band, in Hz.
    pub f_max: f64,
}

impl Default for MelSettings {
    /// The settings of every release; they are in no configuration file.
    fn default() -> Self {
        Self { sample_rate: 16_000, n_fft: 1024, hop_length: 160, n_mels: 64, f_min: 50.0, f_max: 8_000.0 }
    }
}

impl MelSettings {
    /// Frames of a window of `samples` samples: 1001 for 10 s.
    pub fn frames(&self, samples: usize) -> usize {
        1 + samples / self.hop_length
    }
}

/// Log-mel spectrogram in dB, `[frames, n_mels]`, of one window with more than `n_fft / 2` samples.
///
/// Frames are centred (reflected at both ends without repeating the edge), Hann-windowed, and their power is summed in
/// mel bands: `10·log10(max(power, 1e-10))`.
///
/// # Panics
/// When the window is too short to be reflected.
pub fn log_mel_reference(samples: &[f32], settings: &MelSettings) -> Vec<f32> {
    let MelSettings { sample_rate, n_fft, hop_length, n_mels, f_min, f_max } = *settings;
    assert!(samples.len() > n_fft / 2, "a window of {} samples cannot be reflected", samples.len());
    let bank = mel_filter_bank(n_fft, n_mels, sample_rate, f_min, f_max);
    let window: Vec<f64> = hann_window(n_fft).into_iter().map(f64::from).collect();
    let frames = 0..settings.frames(samples.len());
    frames.flat_map(|frame| mel_frame(&power_spectrum(samples, frame * hop_length, &window), &bank, n_mels)).collect()
}

/// Power of bins 0 to n_fft/2 of the frame centred at sample `centre`.
fn power_spectrum(samples: &[f32], centre: usize, window: &[f64]) -> Vec<f64> {
    let half = window.len() / 2;
    let sample = |n: usize| f64::from(samples[reflect(centre as i64 + n as i64 - half as i64, samples.len())]);
    let mut values: Vec<[f64; 2]> = window.iter().enumerate().map(|(n, weight)| [weight * sample(n), 0.0]).collect();
    fft_in_place(&mut values);
    values[..=half].iter().map(|[re, im]| re * re + im * im).collect()
}

/// Mirrors a position at the first and the last sample.
fn reflect(position: i64, length: usize) -> usize {
    let last = length as i64 - 1;
    (if position > last { 2 * last - position } else { position.abs() }) as usize
}

fn mel_frame(power: &[f64], bank: &[f32], n_mels: usize) -> Vec<f32> {
    let mut bands = vec![0.0; n_mels];
    for (bin_power, filters) in power.iter().zip(bank.chunks_exact(n_mels)) {
        for (band, &filter) in bands.iter_mut().zip(filters) {
            *band += bin_power * f64::from(filter);
        }
    }
    bands.iter().map(|band| (10.0 * band.max(POWER_FLOOR).log10()) as f32).collect()
}
