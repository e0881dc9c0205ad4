//! A log-mel spectrogram for people, coarser than what the model gets.

use af2_core::audio::Windows;
use af2_core::audio::frontend::{MelSettings, log_mel_reference};

/// Columns of the picture per second.
const COLUMNS_PER_SECOND: usize = 25;

/// Loudness shown, in dB below the loudest band.
const RANGE_DB: f32 = 80.0;

/// A spectrogram in 256 steps, row-major, lowest band first.
pub struct Picture {
    /// Columns.
    pub width: usize,
    /// Mel bands.
    pub height: usize,
    /// `[height, width]`, 0 quiet to 255 loud.
    pub data: Vec<u8>,
}

/// Draws all windows side by side.
pub fn draw(windows: &Windows) -> Picture {
    let hop_length = windows.sample_rate as usize / COLUMNS_PER_SECOND;
    let settings = MelSettings { sample_rate: windows.sample_rate, hop_length, ..MelSettings::default() };
    let columns: Vec<Vec<f32>> =
        (0..windows.count).flat_map(|index| window_columns(windows, index, &settings)).collect();
    let loudest = columns.iter().flatten().copied().fold(f32::MIN, f32::max);
    let shade = |db: f32| (255.0 * (1.0 + (db - loudest) / RANGE_DB)).clamp(0.0, 255.0) as u8;
    let rows = 0..settings.n_mels;
    let data = rows.flat_map(|band| columns.iter().map(move |column| shade(column[band]))).collect();
    Picture { width: columns.len(), height: settings.n_mels, data }
}

/// The columns of one window; the last frame, which belongs to the next window's start, is left out.
fn window_columns(windows: &Windows, index: usize, settings: &MelSettings) -> Vec<Vec<f32>> {
    let samples = windows.window_samples_f32(index);
    let mel = log_mel_reference(&samples, settings);
    let columns = windows.hop_samples / settings.hop_length;
    mel.chunks(settings.n_mels).take(columns).map(<[f32]>::to_vec).collect()
}
