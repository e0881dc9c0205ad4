//! Constant tables of the log-mel and image stages, on the GPU.
//!
//! A window of 10 s has 160000 samples at 16 kHz, 1001 frames (n_fft 1024, hop 160) of 64 mel bins (50–8000 Hz), and becomes an image of
//! 256 × 256.

use af2_core::audio::frontend::{MelSettings, bicubic_table, fft_twiddles, hann_window, mel_filter_bank};
use af2_core::config::AudioConfig;
use af2_gpu::ops::log_mel::support;
use af2_gpu::{Buffer, Gpu, GpuError};

/// Side of the image that the encoder sees, in pixels.
pub(crate) const IMAGE_SIDE: usize = 256;

/// Tables and sizes.
pub(crate) struct Frontend {
    pub settings: MelSettings,
    /// Samples per window.
    pub samples: usize,
    /// Spectrogram frames per window.
    pub frames: usize,
    /// Hann window, \[n_fft\].
    pub hann: Buffer,
    /// Cosine and −sine of the FFT, [n_fft / 2, 2].
    pub twiddle: Buffer,
    /// Mel filter bank, [bins, n_mels].
    pub bank: Buffer,
    /// Non-zero range of every mel filter, [n_mels, 2].
    pub support: Buffer,
    /// Source frames of the bicubic interpolation, [1024, 4].
    pub taps: Buffer,
    /// Their weights, [1024, 4].
    pub tap_weights: Buffer,
}

impl Frontend {
    pub fn new(gpu: &Gpu, audio: &AudioConfig) -> Result<Self, GpuError> {
        let settings = MelSettings { sample_rate: audio.sample_rate, ..MelSettings::default() };
        let MelSettings { sample_rate, n_fft, n_mels, f_min, f_max, .. } = settings;
        let samples = audio.window_samples();
        let frames = settings.frames(samples);
        let bank = mel_filter_bank(n_fft, n_mels, sample_rate, f_min, f_max);
        let table = bicubic_table(frames, IMAGE_SIDE * IMAGE_SIDE / n_mels);
        Ok(Self {
            samples,
            frames,
            hann: gpu.storage_with("hann", &hann_window(n_fft))?,
            twiddle: gpu.storage_with("twiddle", &fft_twiddles(n_fft))?,
            support: gpu.storage_with("mel support", &support(&bank, n_mels))?,
            bank: gpu.storage_with("mel bank", &bank)?,
            taps: gpu.storage_with("bicubic taps", &table.indices)?,
            tap_weights: gpu.storage_with("bicubic weights", &table.weights)?,
            settings,
        })
    }

    /// Frequency bins of the spectrum, n_fft / 2 + 1.
    pub fn bins(&self) -> usize {
        self.settings.n_fft / 2 + 1
    }
}
