//! Where in its window a sound is heard, from a curve of relevance.

use std::ops::Range;

/// Steps that are averaged: the curve of one answer is rough, and no sound that is worth a caption is shorter than a second or so.
const SMOOTHING: usize = 3;
/// A curve whose peak is not this many times its mean says nothing of a place: the sound is steady.
const LEAST_CONTRAST: f32 = 1.5;

/// The steps of a relevance curve within which its sound lies: from the first to the last step that is, averaged with its
/// neighbours, at least as relevant as the mean. None for a curve that is flat, empty or not finite.
pub fn relevant_span(curve: &[f32]) -> Option<Range<usize>> {
    let mean = curve.iter().sum::<f32>() / curve.len() as f32;
    if !mean.is_finite() || mean <= 0.0 {
        return None;
    }
    let reach = SMOOTHING / 2;
    let smooth = |at: usize| {
        let near = &curve[at.saturating_sub(reach)..(at + reach + 1).min(curve.len())];
        near.iter().sum::<f32>() / near.len() as f32
    };
    let smoothed: Vec<f32> = (0..curve.len()).map(smooth).collect();
    let peak = smoothed.iter().copied().fold(0.0, f32::max);
    if peak < LEAST_CONTRAST * mean {
        return None;
    }
    let first = smoothed.iter().position(|value| *value >= mean)?;
    let last = smoothed.iter().rposition(|value| *value >= mean)?;
    Some(first..last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_is_found_and_a_steady_one_is_not_cut() {
        let mut curve = [0.01_f32; 32];
        curve[10..14].fill(0.2);
        assert_eq!(relevant_span(&curve), Some(9..15));
        assert_eq!(relevant_span(&[1.0 / 32.0; 32]), None);
        let rough: Vec<f32> = (0..32).map(|i| if i % 2 == 0 { 0.04 } else { 0.02 }).collect();
        assert_eq!(relevant_span(&rough), None);
        assert_eq!(relevant_span(&[0.0; 32]), None);
        assert_eq!(relevant_span(&[]), None);
        assert_eq!(relevant_span(&[f32::NAN; 4]), None);
        let mut two = [0.0_f32; 32];
        (two[0], two[31]) = (0.5, 0.5);
        assert_eq!(relevant_span(&two), Some(0..32), "from the first time to the last");
    }
}
