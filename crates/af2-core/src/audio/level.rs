//! How loud audio is before it is normalised, which makes a whisper and a shout the same.

/// Audio whose peak lies below this holds nothing to hear: ten steps of 16-bit samples. Dither and the noise of converters are one to four
/// steps; recordings of quiet rooms peak above −60 dBFS. Normalised, what is below would be noise at full scale.
const SILENCE: f32 = -70.0;

/// The level of zeros, in place of −∞, which neither JSON nor a person reads easily: below one step of 24 bits.
const FLOOR: f32 = -150.0;

/// Peak and root mean square of what is heard, before normalisation. 0 dBFS is a sample of ±1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// The largest sample in dB; −150 for zeros, above 0 for floats beyond ±1.
    pub peak_dbfs: f32,
    /// The root mean square in dB; −150 for zeros.
    pub rms_dbfs: f32,
}

impl Level {
    /// Of samples at any rate.
    pub(super) fn of(samples: impl Iterator<Item = f64>) -> Self {
        let (mut peak, mut squares, mut count) = (0.0f64, 0.0, 0u64);
        for sample in samples {
            peak = peak.max(sample.abs());
            squares += sample * sample;
            count += 1;
        }
        Self { peak_dbfs: decibels(peak), rms_dbfs: decibels((squares / count.max(1) as f64).sqrt()) }
    }

    /// Whether nothing can be heard: the peak lies below −70 dBFS.
    pub fn is_silent(&self) -> bool {
        self.peak_dbfs < SILENCE
    }
}

fn decibels(amplitude: f64) -> f32 {
    ((20.0 * amplitude.log10()) as f32).max(FLOOR)
}

/// The largest sample of every channel of a file.
#[derive(Default)]
pub(super) struct ChannelPeaks(Vec<f64>);

impl ChannelPeaks {
    /// Adds a block, one slice per channel.
    pub fn push(&mut self, block: &[&[f64]]) {
        self.0.resize(self.0.len().max(block.len()), 0.0);
        for (peak, samples) in self.0.iter_mut().zip(block) {
            *peak = samples.iter().fold(*peak, |peak, sample| peak.max(sample.abs()));
        }
    }

    /// The largest of all.
    pub fn joint(&self) -> f64 {
        self.0.iter().copied().fold(0.0, f64::max)
    }

    /// The loudest channel, from 0, if it is not silent.
    pub fn loudest(&self) -> Option<usize> {
        let (channel, peak) = self.0.iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
        (decibels(*peak) >= SILENCE).then_some(channel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_known_signals() {
        let sine = (0..16_000).map(|i| 0.5 * (f64::from(i) * 0.1).sin());
        let level = Level::of(sine);
        assert!((level.peak_dbfs + 6.02).abs() < 0.01 && (level.rms_dbfs + 9.03).abs() < 0.01, "{level:?}");
        let zeros = Level::of([0.0; 9].into_iter());
        assert_eq!((zeros, zeros.is_silent()), (Level { peak_dbfs: -150.0, rms_dbfs: -150.0 }, true));
        assert_eq!(Level::of(std::iter::empty()), zeros);
        let steps = |count: f64| Level::of([count / 32768.0].into_iter()).is_silent();
        assert_eq!([1.0, 10.0, 11.0, 100.0].map(steps), [true, true, false, false]);
    }

    #[test]
    fn the_loudest_channel_is_known() {
        let mut peaks = ChannelPeaks::default();
        assert_eq!(peaks.loudest(), None);
        peaks.push(&[&[0.0, 1e-5], &[0.1, -0.3]]);
        peaks.push(&[&[0.0], &[0.2]]);
        assert_eq!((peaks.joint(), peaks.loudest()), (0.3, Some(1)));
    }
}
