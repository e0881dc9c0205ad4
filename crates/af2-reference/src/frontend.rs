//! From samples to the image that the encoder sees.
//!
//! ```text
//! samples ── log-mel (float64, on the host) ── batch norm per mel bin ── bicubic along time ── fold in four bands ── image
//! ```

use af2_core::audio::Windows;
use af2_core::audio::frontend::{BicubicTable, MelSettings, bicubic_table, log_mel_reference};
use af2_core::config::AudioConfig;
use burn_tensor::{Device, Int, Tensor, TensorData};

use crate::ReferenceError;
use crate::taps::Taps;
use crate::weights::Weights;

/// Side of the image, in pixels.
pub(crate) const IMAGE_SIDE: usize = 256;
/// Epsilon of the batch norm.
const EPS: f64 = 1e-5;

/// Sizes and tables of the way from samples to image.
pub(crate) struct Frontend {
    settings: MelSettings,
    /// Samples per window.
    pub samples: usize,
    /// `bn0` in evaluation mode: a factor and a term per mel bin, [1, 1, mels].
    scale: Tensor<3>,
    shift: Tensor<3>,
    /// Source frames of every image column and their weights, four each.
    taps: Vec<(Tensor<1, Int>, Tensor<3>)>,
    device: Device,
}

impl Frontend {
    pub fn load(weights: &Weights, audio: &AudioConfig) -> Result<Self, ReferenceError> {
        let settings = MelSettings { sample_rate: audio.sample_rate, ..MelSettings::default() };
        let samples = (audio.window_length * f64::from(audio.sample_rate)).round() as usize;
        if samples <= settings.n_fft / 2 {
            return Err(ReferenceError::Network(format!("windows of {samples} samples are too short")));
        }
        let bn0 = weights.scope("clap.nvclap.bn0");
        let part = |name: &str| Ok::<_, ReferenceError>(bn0.tensor::<1>(name)?.unsqueeze::<3>());
        let scale = part("weight")? / (part("running_var")? + EPS).sqrt();
        let shift = part("bias")? - part("running_mean")? * scale.clone();
        let table = bicubic_table(settings.frames(samples), IMAGE_SIDE * IMAGE_SIDE / settings.n_mels);
        let taps = (0..4).map(|tap| interpolation_tap(&table, tap, &weights.device)).collect();
        Ok(Self { settings, samples, scale, shift, taps, device: weights.device.clone() })
    }

    /// Images of windows `range`, [n, 256, 256].
    pub fn images(&self, windows: &Windows, range: std::ops::Range<usize>, taps: &mut Taps) -> Tensor<3> {
        let count = range.len();
        let log_mel: Vec<f32> =
            range.flat_map(|index| log_mel_reference(&windows.window_samples_f32(index), &self.settings)).collect();
        let shape = [count, self.settings.frames(self.samples), self.settings.n_mels];
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

/// Time in four quarters, one below the other: pixel (64·r + m, c) is mel bin m of row 256·r + c.
fn fold(x: Tensor<3>) -> Tensor<3> {
    let [count, rows, mels] = x.dims();
    x.reshape([count, rows / IMAGE_SIDE, IMAGE_SIDE, mels]).swap_dims(2, 3).reshape([count, IMAGE_SIDE, IMAGE_SIDE])
}
