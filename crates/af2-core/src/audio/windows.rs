//! How audio is laid out in windows of equal length.

use super::error::{AudioError, SAMPLE_RATES};
use crate::config::{AudioConfig, MAX_WINDOW_LENGTH};

/// Window settings in samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowPlan {
    /// Samples per second.
    pub sample_rate: u32,
    /// Samples per window.
    pub window_samples: usize,
    /// Samples from the start of one window to the start of the next.
    pub hop_samples: usize,
    /// Windows at most; what follows them is not heard.
    pub max_windows: usize,
    /// Seconds that `max_windows` windows cover.
    pub max_seconds: f64,
}

impl WindowPlan {
    /// The plan of a model configuration with room for `max_windows` windows.
    ///
    /// # Errors
    /// [`AudioError::Settings`] when a value describes no window, or more audio than [`AudioConfig::most_windows`].
    pub fn new(config: &AudioConfig, max_windows: usize) -> Result<Self, AudioError> {
        let settings = |detail: String| Err(AudioError::Settings { detail });
        let (length, overlap, rate) = (config.window_length, config.window_overlap, config.sample_rate);
        if !SAMPLE_RATES.contains(&rate) {
            let (least, most) = SAMPLE_RATES.into_inner();
            return settings(format!("a sample rate of {rate} Hz is out of range ({least} to {most} Hz)"));
        }
        if !(length > 0.0 && length <= MAX_WINDOW_LENGTH && config.window_samples() >= 1) {
            return settings(format!(
                "a window length of {length} s is out of range (one sample to {MAX_WINDOW_LENGTH} s)"
            ));
        }
        if !(0.0..length).contains(&overlap) {
            return settings(format!("an overlap of {overlap} s does not fit in windows of {length} s"));
        }
        let most = config.most_windows();
        if !(1..=most).contains(&max_windows) {
            let minutes = most as f64 * length / 60.0;
            return settings(format!(
                "{max_windows} windows of {length} s are out of range (1 to {most}, which are {minutes:.0} minutes)"
            ));
        }
        let window_samples = config.window_samples();
        let hop_samples = (window_samples - config.overlap_samples()).max(1);
        let max_seconds = max_windows as f64 * (length - overlap) + overlap;
        Ok(Self { sample_rate: rate, window_samples, hop_samples, max_windows, max_seconds })
    }

    /// Windows that audio of `samples` samples needs.
    pub fn count(&self, samples: usize) -> usize {
        let beyond_first = samples.saturating_sub(self.window_samples);
        (1 + beyond_first.div_ceil(self.hop_samples)).min(self.max_windows)
    }

    /// Samples that `count` windows cover.
    pub fn span(&self, count: usize) -> usize {
        self.window_samples + (count.max(1) - 1) * self.hop_samples
    }
}

/// Audio as the encoder hears it: 16-bit codes cut in windows.
///
/// A sample is `float32(code / 32767)`. Samples after the last code are zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows {
    /// Codes of the audio, without the padding at its end.
    pub codes: Vec<i16>,
    /// Windows, at least 1.
    pub count: usize,
    /// Samples per window.
    pub window_samples: usize,
    /// Samples from the start of one window to the start of the next.
    pub hop_samples: usize,
    /// Samples per second.
    pub sample_rate: u32,
}

impl Windows {
    /// Lays `codes` out by `plan`. Codes after the last window are dropped.
    pub fn new(mut codes: Vec<i16>, plan: &WindowPlan) -> Self {
        let count = plan.count(codes.len());
        codes.truncate(plan.span(count));
        let WindowPlan { window_samples, hop_samples, sample_rate, .. } = *plan;
        Self { codes, count, window_samples, hop_samples, sample_rate }
    }

    /// Samples of window `index`, `[window_samples]`; zeros beyond the audio and for an index beyond the last window.
    pub fn window_samples_f32(&self, index: usize) -> Vec<f32> {
        let mut samples = self.covered_codes(index).iter().map(|&code| sample_of_code(code)).collect::<Vec<_>>();
        samples.resize(self.window_samples, 0.0);
        samples
    }

    /// Seconds of audio, without the padding.
    pub fn seconds(&self) -> f64 {
        self.codes.len() as f64 / f64::from(self.sample_rate)
    }

    /// The codes that lie in window `index`, without padding.
    pub fn covered_codes(&self, index: usize) -> &[i16] {
        let start = index.saturating_mul(self.hop_samples).min(self.codes.len());
        let end = start.saturating_add(self.window_samples).min(self.codes.len());
        &self.codes[start..end]
    }

    /// Minimum and maximum of each of `columns` (1 to 65,536) equal stretches of all windows, `[columns, 2]`, in [-1, 1].
    /// A stretch of padding is silent.
    pub fn envelope(&self, columns: u32) -> Vec<f32> {
        let columns = columns.clamp(1, 1 << 16);
        let span = self.hop_samples as u64 * self.count as u64;
        let at = |edge| stretch_edge(edge, columns, span).min(self.codes.len() as u64) as usize;
        let extremes = |column| {
            let codes = &self.codes[at(column)..at(column + 1)];
            let low = codes.iter().copied().min().unwrap_or(0);
            let high = codes.iter().copied().max().unwrap_or(0);
            [sample_of_code(low), sample_of_code(high)]
        };
        (0..columns).flat_map(extremes).collect()
    }
}

/// First sample of stretch `edge` where `span` samples are cut in `columns` equal stretches.
///
/// In 64 bits on every target: in the 32 of wasm 2048 columns times 14 windows overflow.
fn stretch_edge(edge: u32, columns: u32, span: u64) -> u64 {
    u64::from(edge) * span / u64::from(columns)
}

/// The float32 sample of a code.
///
/// The original divides in float64 and rounds once; one float32 division gives the same for every code.
fn sample_of_code(code: i16) -> f32 {
    f32::from(code) / 32767.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(overlap: f64, max_windows: usize) -> WindowPlan {
        let config =
            AudioConfig { sample_rate: 16000, window_length: 10.0, window_overlap: overlap, max_num_window: 12 };
        WindowPlan::new(&config, max_windows).unwrap()
    }

    #[test]
    fn counts_cover_the_audio_and_stop_at_the_limit() {
        let plan = plan(0.0, 12);
        let counts = [1, 160_000, 160_001, 320_000, 320_001, 1_919_999, 1_920_000, 9_000_000];
        assert_eq!(counts.map(|samples| plan.count(samples)), [1, 1, 2, 2, 3, 12, 12, 12]);
        assert_eq!(plan.max_seconds, 120.0);
    }

    #[test]
    fn overlapping_windows_share_samples() {
        let plan = plan(2.5, 3);
        assert_eq!((plan.hop_samples, plan.span(3), plan.max_seconds), (120_000, 400_000, 25.0));
        assert_eq!([160_000, 160_001, 280_000, 280_001].map(|samples| plan.count(samples)), [1, 2, 2, 3]);
        let codes: Vec<i16> = (0..300_000).map(|i| (i % 30_000) as i16).collect();
        let windows = Windows::new(codes.clone(), &plan);
        assert_eq!(windows.count, 3);
        assert_eq!(windows.covered_codes(1), &codes[120_000..280_000]);
        assert_eq!(windows.covered_codes(2), &codes[240_000..]);
        assert_eq!(windows.window_samples_f32(2).len(), 160_000);
        assert_eq!(windows.window_samples_f32(2)[60_000..], vec![0.0; 100_000]);
    }

    #[test]
    fn an_envelope_covers_every_sample_of_up_to_an_hour_once() {
        for (count, columns) in (0..=360).flat_map(|count| [1, 7, 2048].map(|columns| (count, columns))) {
            let span = 160_000 * count;
            let edges = (0..=columns).map(|edge| stretch_edge(edge, columns, span)).collect::<Vec<_>>();
            let exact = (0..=columns).map(|edge| u128::from(edge) * u128::from(span) / u128::from(columns));
            assert!(edges.iter().copied().map(u128::from).eq(exact), "{count} windows in {columns} columns");
            assert_eq!((edges[0], edges[columns as usize]), (0, span));
        }
    }

    #[test]
    fn an_envelope_shows_the_extremes_and_silent_padding() {
        let mut codes = vec![0_i16; 240_000];
        (codes[0], codes[159_999], codes[160_000]) = (32767, -32767, 16384);
        let windows = Windows::new(codes, &plan(0.0, 12));
        assert_eq!(windows.count, 2);
        assert_eq!(windows.envelope(4), [0.0, 1.0, -1.0, 0.0, 0.0, 16384.0 / 32767.0, 0.0, 0.0]);
        assert_eq!(windows.envelope(0), [-1.0, 1.0]);
        assert_eq!(windows.envelope(u32::MAX).len(), 2 << 16);
    }

    #[test]
    fn every_code_survives_the_second_conversion_of_the_encoder() {
        for code in -32767..=32767i16 {
            let sample = sample_of_code(code);
            assert_eq!(sample, (f64::from(code) / 32767.0) as f32);
            assert_eq!((sample * 32767.0) as i16, code);
        }
    }

    #[test]
    fn parts_of_a_sample_are_cut_off() {
        let config =
            AudioConfig { sample_rate: 16000, window_length: 1.00005, window_overlap: 0.25004, max_num_window: 12 };
        let plan = WindowPlan::new(&config, 3).unwrap();
        assert_eq!((plan.window_samples, plan.hop_samples), (16_000, 12_000)); // of 16000.8 and 4000.64
        assert_eq!((config.window_samples(), config.overlap_samples()), (16_000, 4_000));
    }

    #[test]
    fn more_audio_than_memory_is_made_for_is_refused_with_the_limit() {
        let config = AudioConfig { sample_rate: 16000, window_length: 10.0, window_overlap: 0.0, max_num_window: 12 };
        assert_eq!(WindowPlan::new(&config, 150).unwrap().max_seconds, 1500.0);
        let refused = |config: &AudioConfig, max| WindowPlan::new(config, max).unwrap_err().to_string();
        let message = refused(&config, 151);
        assert!(message.contains("151 windows of 10 s are out of range (1 to 150, which are 25 minutes)"), "{message}");
        let short = AudioConfig { window_length: 0.5, ..config };
        assert!(refused(&short, 1025).contains("1 to 1024"));
        assert!(refused(&AudioConfig { window_length: 61.0, ..short }, 1).contains("to 60 s"));
    }

    #[test]
    fn settings_without_a_window_are_refused() {
        let config = AudioConfig { sample_rate: 16000, window_length: 10.0, window_overlap: 0.0, max_num_window: 12 };
        let refused = |config: AudioConfig, max| WindowPlan::new(&config, max).unwrap_err().to_string();
        assert!(refused(config.clone(), 0).contains("0 windows"));
        assert!(refused(AudioConfig { window_length: f64::NAN, ..config.clone() }, 12).contains("window length"));
        assert!(refused(AudioConfig { window_overlap: 10.0, ..config.clone() }, 12).contains("overlap"));
        assert!(refused(AudioConfig { sample_rate: 0, ..config }, 12).contains("sample rate"));
    }
}
