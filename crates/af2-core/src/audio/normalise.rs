//! Peak normalisation and 16-bit codes.
//!
//! The original always brings the peak to full scale, stretches a signal that is never negative over both signs, and
//! cuts to 16 bits toward zero. Audio from MP3 is normalised in float32, all other audio in float64; the cut to codes is
//! made in float64 for both.

/// Samples of one of the two precisions.
pub(super) trait Sample: Copy + Into<f64> {
    fn max(self, other: Self) -> Self;
    fn min(self, other: Self) -> Self;
    /// `self / peak`, or stretched: `2·self / peak − 1`; cut to ±1.
    fn scaled(self, peak: f64, stretched: bool) -> Self;
}

macro_rules! sample {
    ($float:ty) => {
        impl Sample for $float {
            fn max(self, other: Self) -> Self {
                <$float>::max(self, other)
            }

            fn min(self, other: Self) -> Self {
                <$float>::min(self, other)
            }

            fn scaled(self, peak: f64, stretched: bool) -> Self {
                let peak = peak as $float; // it is one of the samples
                let scaled = if stretched { 2.0 * self / peak - 1.0 } else { self / peak };
                scaled.clamp(-1.0, 1.0)
            }
        }
    };
}
sample!(f32);
sample!(f64);

/// The least and the greatest of some samples; none yet.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Extremes(Option<(f64, f64)>);

impl Extremes {
    /// Takes samples in.
    pub fn add<S: Sample>(&mut self, samples: impl Iterator<Item = S> + Clone) {
        let (Some(least), Some(most)) = (samples.clone().reduce(S::min), samples.reduce(S::max)) else { return };
        let (least, most): (f64, f64) = (least.into(), most.into());
        self.0 = Some(self.0.map_or((least, most), |known| (known.0.min(least), known.1.max(most))));
    }

    /// The same of all samples divided.
    pub fn divided_by(self, divisor: f64) -> Self {
        Self(self.0.map(|(least, most)| (least / divisor, most / divisor)))
    }
}

/// Peak-normalises `count` finite samples and cuts them to codes −32767 to 32767. Silence stays silence.
pub(super) fn codes<S: Sample>(samples: impl Iterator<Item = S> + Clone, count: usize) -> Vec<i16> {
    let mut extremes = Extremes::default();
    extremes.add(samples.clone());
    codes_within(samples, count, extremes)
}

/// The same for samples of a longer run, whose extremes decide.
pub(super) fn codes_within<S: Sample>(
    samples: impl Iterator<Item = S> + Clone,
    count: usize,
    extremes: Extremes,
) -> Vec<i16> {
    let (min, max) = extremes.0.unwrap_or_default();
    let peak = max.abs().max(min.abs());
    if peak == 0.0 {
        return vec![0; count]; // the original divides by zero here and casts NaN to 0
    }
    let mut codes = Vec::with_capacity(count);
    codes.extend(samples.map(|sample| (sample.scaled(peak, min >= 0.0).into() * 32767.0) as i16));
    codes
}

/// Peak-normalises finite samples in float64 and cuts them to codes −32767 to 32767. Silence stays silence.
pub fn codes_from_f64(samples: &[f64]) -> Vec<i16> {
    codes(samples.iter().copied(), samples.len())
}

/// Peak-normalises finite samples in float32 and cuts them to codes −32767 to 32767. Silence stays silence.
pub fn codes_from_f32(samples: &[f32]) -> Vec<i16> {
    codes(samples.iter().copied(), samples.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_becomes_full_scale_of_either_sign() {
        assert_eq!(codes_from_f64(&[0.0, 0.25, -0.5]), [0, 16383, -32767]);
        assert_eq!(codes_from_f32(&[0.5, -0.25]), [32767, -16383]);
    }

    #[test]
    fn codes_are_cut_toward_zero() {
        // 0.3·32767 = 9830.1 and 0.9·32767 = 29490.3: rounding and cutting differ for 0.29999·32767 = 9829.77.
        assert_eq!(codes_from_f64(&[0.29999, -0.29999, -1.0]), [9829, -9829, -32767]);
    }

    #[test]
    fn non_negative_signal_is_stretched_over_both_signs() {
        assert_eq!(codes_from_f64(&[0.0, 0.1, 0.2]), [-32767, 0, 32767]);
    }

    #[test]
    fn silence_stays_silence() {
        assert_eq!(codes_from_f32(&[0.0, -0.0, 0.0]), [0, 0, 0]);
        assert_eq!(codes_from_f64(&[]), [0i16; 0]);
    }
}
