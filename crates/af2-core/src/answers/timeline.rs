//! From the times of a clip's windows to seconds of its audio.

use crate::config::AudioConfig;
use crate::engine::TIMES_PER_WINDOW;

/// Where the times of a clip ([`TIMES_PER_WINDOW`] per window) lie in its audio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timeline {
    /// Seconds of a time.
    step: f64,
    /// Seconds from the start of a window to the start of the next.
    hop: f64,
    windows: usize,
    /// Seconds of audio; what follows in the last window is padding.
    seconds: f64,
}

impl Timeline {
    /// Of a clip of `windows` windows that hold `seconds` of audio.
    pub fn new(config: &AudioConfig, windows: usize, seconds: f64) -> Self {
        let (step, hop) =
            (config.window_length / TIMES_PER_WINDOW as f64, config.window_length - config.window_overlap);
        Self { step, hop, windows, seconds }
    }

    /// Seconds per value of a curve: 0.3125 for windows of 10 s.
    pub fn seconds_per_step(&self) -> f64 {
        self.step
    }

    /// Seconds of audio.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Times that hold audio, counted from the first; at least one.
    pub fn times(&self) -> usize {
        let before = self.windows.saturating_sub(1);
        let last = (self.seconds - before as f64 * self.hop) / self.step;
        let last = (last.ceil().max(1.0) as usize).min(TIMES_PER_WINDOW);
        before * TIMES_PER_WINDOW + last
    }

    /// Values of the clip's times, [32 · windows] or fewer, as values of equal steps of its audio. Where windows overlap, a step gets the
    /// mean of the times that cover its centre; else it has one.
    pub fn curve(&self, times: &[f32]) -> Vec<f32> {
        let steps = (self.seconds / self.step).ceil().max(1.0) as usize;
        let mut sums = vec![(0.0_f32, 0_u32); steps.min(times.len())];
        for (time, value) in times.iter().enumerate() {
            let (window, inside) = (time / TIMES_PER_WINDOW, time % TIMES_PER_WINDOW);
            let centre = window as f64 * self.hop + (inside as f64 + 0.5) * self.step;
            if let Some((sum, count)) = sums.get_mut((centre / self.step) as usize) {
                (*sum, *count) = (*sum + value, *count + 1);
            }
        }
        sums.into_iter().map(|(sum, count)| if count > 0 { sum / count as f32 } else { 0.0 }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(window_overlap: f64) -> AudioConfig {
        AudioConfig { sample_rate: 16_000, window_length: 10.0, window_overlap, max_num_window: 12 }
    }

    #[test]
    fn padding_has_no_time() {
        assert_eq!(Timeline::new(&config(0.0), 1, 10.0).times(), 32);
        assert_eq!(Timeline::new(&config(0.0), 1, 3.4).times(), 11);
        assert_eq!(Timeline::new(&config(0.0), 2, 10.1).times(), 33);
        assert_eq!(Timeline::new(&config(0.0), 1, 0.0).times(), 1);
    }

    #[test]
    fn a_curve_has_a_value_per_step_of_the_audio() {
        let times: Vec<f32> = (0..64).map(|time| time as f32).collect();
        assert_eq!(Timeline::new(&config(0.0), 2, 20.0).curve(&times), times);
        assert_eq!(Timeline::new(&config(0.0), 2, 12.6).curve(&times), times[..41]);
        // Windows of 10 s every 5 s: from 5 to 10 s two times cover each step.
        let overlapped = Timeline::new(&config(5.0), 2, 15.0).curve(&times);
        assert_eq!((overlapped.len(), overlapped[0], overlapped[16], overlapped[47]), (48, 0.0, 24.0, 63.0));
    }
}
