//! From samples to the image that the encoder reads.
//!
//! ```text
//! samples ── log-mel (float64, on the host) ── batch norm per mel bin ── bicubic along time ── fold into four bands ── image
//! ```
//!
//! # Shapes
//! 160000 samples → log-mel [1001, 64] → stretched [1024, 64] → image [256, 256].

use af2_core::audio::Windows;
use af2_core::audio::frontend::{BicubicTable, MelSettings, bicubic_table, log_mel_reference};
use af2_core::config::AudioConfig;
use af2_core::engine::IMAGE_SIDE;
use burn_tensor::{Device, Int, Tensor, TensorData};

use crate::CpuError;
use crate::layers::zero_or_nan;
use crate::taps::Taps;
use crate::weights::Weights;

/// Epsilon of the batch norm.
const EPS: f64 = 1e-5;

/// Tables that lead from samples to the image.
pub(crate) struct Frontend {
    settings: MelSettings,
    /// Spectrogram frames per window.
    frames: usize,
    /// `bn0` in evaluation mode, y = x·scale + shift per mel bin, [1, 1, mels] each.
    scale: Tensor<3>,
    shift: Tensor<3>,
    /// Source frames of every image column and their weights, four each.
    taps: Vec<(Tensor<1, Int>, Tensor<3>)>,
    device: Device,
}

impl Frontend {
    pub fn load(weights: &Weights, audio: &AudioConfig) -> Result<Self, CpuError> {
        let settings = MelSettings { sample_rate: audio.sample_rate, ..MelSettings::default() };
        let frames = settings.frames(audio.window_samples());
        let bn0 = weights.scope("clap.nvclap.bn0");
        let part = |name: &str| Ok::<_, CpuError>(bn0.tensor::<1>(name)?.unsqueeze::<3>());
        let variance = part("running_var")?;
        let scale = part("weight")? / (variance.clone() + EPS).sqrt() + zero_or_nan(variance);
        let shift = part("bias")? - part("running_mean")? * scale.clone();
        let table = bicubic_table(frames, IMAGE_SIDE * IMAGE_SIDE / settings.n_mels);
        let taps = (0..4).map(|tap| interpolation_tap(&table, tap, &weights.device)).collect();
        Ok(Self { settings, frames, scale, shift, taps, device: weights.device.clone() })
    }

    /// Images of the windows in `range`, [n, 256, 256].
    pub fn images(&self, windows: &Windows, range: std::ops::Range<usize>, taps: &mut Taps) -> Tensor<3> {
        let count = range.len();
        let log_mel: Vec<f32> =
            range.flat_map(|index| log_mel_reference(&windows.window_samples_f32(index), &self.settings)).collect();
        let shape = [count, self.frames, self.settings.n_mels];
        let log_mel = Tensor::from_data(TensorData::new(log_mel, shape), &self.device);
        let normed = taps.tap("logmel", log_mel) * self.scale.clone() + self.shift.clone();
        taps.tap("image", fold(self.stretch(normed)))
    }

    /// [n, frames, mels] to [n, 1024, mels].
    fn stretch(&self, x: Tensor<3>) -> Tensor<3> {
        let weighted = self.taps.iter().map(|(frames, weights)| x.clone().select(1, frames.clone()) * weights.clone());
        weighted.reduce(|sum, part| sum + part).unwrap_or(x)
    }
}

/// One of the four source frames of every output row, and its weight, [1, rows, 1].
fn interpolation_tap(table: &BicubicTable, tap: usize, device: &Device) -> (Tensor<1, Int>, Tensor<3>) {
    let rows = table.indices.len();
    let frames: Vec<i64> = table.indices.iter().map(|row| i64::from(row[tap])).collect();
    let weights: Vec<f32> = table.weights.iter().map(|row| row[tap]).collect();
    (
        Tensor::from_data(TensorData::new(frames, [rows]), device),
        Tensor::from_data(TensorData::new(weights, [1, rows, 1]), device),
    )
}

/// Puts the quarters of the time axis one below the other: pixel (64·r + m, c) is mel bin m of row 256·r + c.
fn fold(x: Tensor<3>) -> Tensor<3> {
    let [count, rows, mels] = x.dims();
    x.reshape([count, rows / IMAGE_SIDE, IMAGE_SIDE, mels]).swap_dims(2, 3).reshape([count, IMAGE_SIDE, IMAGE_SIDE])
}
