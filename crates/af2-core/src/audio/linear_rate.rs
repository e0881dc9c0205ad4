//! Rate change by linear interpolation in integer arithmetic, which the original uses for MP3 files.
//!
//! There is no low-pass filter, so it aliases; the model was trained on that. It is Python's `audioop.ratecv`.

/// Converts interleaved 16-bit frames from `source_rate` to `target_rate`.
///
/// With i/o the reduced ratio of the rates and N frames, the output has `floor((N − 1)·o/i) + 1` frames. Output j lies
/// between inputs k − 1 and k = ceil(j·i/o), at distance d = k·o − j·i (0 ≤ d < o) before k.
///
/// # Panics
/// Never for rates and channels above zero.
pub fn convert_rate_linear(interleaved: &[i16], channels: usize, source_rate: u32, target_rate: u32) -> Vec<i16> {
    let frames = interleaved.len() / channels;
    if source_rate == target_rate || frames == 0 {
        return interleaved.to_vec();
    }
    let divisor = u64::from(gcd(source_rate, target_rate));
    let (step_in, step_out) = (u64::from(source_rate) / divisor, u64::from(target_rate) / divisor);
    let count = (frames as u64 - 1) * step_out / step_in + 1;
    let mut converted = Vec::with_capacity(count as usize * channels);
    for j in 0..count {
        let k = (j * step_in).div_ceil(step_out);
        let distance = (k * step_out - j * step_in) as i64;
        for channel in 0..channels {
            let at = |frame: u64| i64::from(interleaved[frame as usize * channels + channel]);
            let before = if distance == 0 { 0 } else { at(k - 1) };
            converted.push(blend(before, at(k), distance, step_out as i64));
        }
    }
    converted
}

/// The original works on 32-bit samples, truncates the quotient toward zero, and floors when it drops the lower half.
fn blend(before: i64, after: i64, distance: i64, step_out: i64) -> i16 {
    let weighted = (before << 16) * distance + (after << 16) * (step_out - distance);
    ((weighted / step_out) >> 16) as i16
}

/// Greatest common divisor.
pub(super) fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
