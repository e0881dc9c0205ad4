//! The peak of all channels within every window of a stream.
//!
//! Source frame f lies at sample f·target/source of the output, and belongs to the windows that hold this position.

use std::collections::VecDeque;

/// Peaks of the windows that are not cut yet.
pub(super) struct WindowPeaks {
    source_rate: u64,
    target_rate: u64,
    window: u64,
    hop: u64,
    /// Frames that came.
    frames: u64,
    /// Where the window begins that is added next, in samples.
    start: u64,
    /// First frame, frame behind the last, and peak so far of the windows that have begun.
    begun: VecDeque<(u64, u64, f64)>,
}

impl WindowPeaks {
    /// Windows of `window` samples at the target rate, one every `hop`.
    pub fn new(source_rate: u32, target_rate: u32, window: u64, hop: u64) -> Self {
        let (source_rate, target_rate) = (source_rate.into(), target_rate.into());
        Self { source_rate, target_rate, window, hop, frames: 0, start: 0, begun: VecDeque::new() }
    }

    /// Adds a block, one slice per channel.
    pub fn push(&mut self, block: &[&[f64]]) {
        let from = self.frames;
        self.frames += block.first().map_or(0, |channel| channel.len()) as u64;
        while self.frame(self.start) < self.frames {
            self.begun.push_back((self.frame(self.start), self.frame(self.start + self.window), 0.0));
            self.start += self.hop;
        }
        for (first, end, peak) in &mut self.begun {
            let (first, end) = ((*first).max(from), (*end).min(self.frames));
            if first < end {
                let range = (first - from) as usize..(end - from) as usize;
                let samples = block.iter().flat_map(|channel| &channel[range.clone()]);
                *peak = samples.fold(*peak, |peak, sample| peak.max(sample.abs()));
            }
        }
    }

    /// Takes the peak of the next window: the frames that it holds have come, or will not.
    pub fn take(&mut self) -> f64 {
        self.begun.pop_front().map_or(0.0, |(_, _, peak)| peak)
    }

    /// The first frame at or behind a sample.
    fn frame(&self, sample: u64) -> u64 {
        (sample * self.source_rate).div_ceil(self.target_rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_has_the_peak_of_its_own_frames() {
        let peaks = |hop: u64, block: usize| {
            let frames: Vec<f64> = (1..=24).map(f64::from).collect();
            let mut peaks = WindowPeaks::new(3, 2, 4, hop); // six frames of the source per window
            for block in frames.chunks(block) {
                peaks.push(&[block, &vec![-0.5; block.len()]]);
            }
            (0..4).map(|_| peaks.take()).collect::<Vec<_>>()
        };
        for block in [1, 5, 24] {
            assert_eq!(peaks(4, block), [6.0, 12.0, 18.0, 24.0], "side by side");
            assert_eq!(peaks(2, block), [6.0, 9.0, 12.0, 15.0], "half of each shared");
            assert_eq!(peaks(8, block), [6.0, 18.0, 0.0, 0.0], "with gaps");
        }
    }
}
