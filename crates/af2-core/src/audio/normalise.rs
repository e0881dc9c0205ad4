//! Peak normalisation and 16-bit codes.
//!
//! The original always brings the peak to full scale, stretches a signal that is never negative over both signs, and
//! cuts to 16 bits toward zero. Audio from MP3 is normalised in float32, all other audio in float64; the cut to codes is
//! made in float64 for both.

macro_rules! codes_in {
    ($(#[$doc:meta])* $name:ident, $float:ty) => {
        $(#[$doc])*
        pub fn $name(samples: &[$float]) -> Vec<i16> {
            let max = samples.iter().copied().fold(<$float>::NEG_INFINITY, <$float>::max);
            let min = samples.iter().copied().fold(<$float>::INFINITY, <$float>::min);
            let peak = max.abs().max(min.abs());
            if peak == 0.0 {
                return vec![0; samples.len()]; // the original divides by zero here and casts NaN to 0
            }
            let scaled = |sample: $float| if min >= 0.0 { 2.0 * sample / peak - 1.0 } else { sample / peak };
            samples.iter().map(|&sample| (f64::from(scaled(sample).clamp(-1.0, 1.0)) * 32767.0) as i16).collect()
        }
    };
}

codes_in! {
    /// Peak-normalises finite samples and cuts them to codes −32767 to 32767. Silence stays silence.
    codes_from_f64, f64
}

codes_in! {
    /// Peak-normalises finite samples and cuts them to codes −32767 to 32767. Silence stays silence.
    codes_from_f32, f32
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
