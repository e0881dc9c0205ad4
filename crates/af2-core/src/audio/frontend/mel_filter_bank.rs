//! Triangular filters on the HTK mel scale, without area normalisation.

/// The filter bank `[n_fft / 2 + 1, n_mels]`, row-major by frequency bin.
///
/// Filter m rises from point m to m + 1 and falls to m + 2 of `n_mels + 2` points that are equally spaced in
/// `mel(f) = 2595·log10(1 + f/700)` from `f_min` to `f_max` (Hz). Computed in float32 in the order torchaudio uses,
/// because the rounding of the points shows in the filters (up to 6e-6).
pub fn mel_filter_bank(n_fft: usize, n_mels: usize, sample_rate: u32, f_min: f64, f_max: f64) -> Vec<f32> {
    let bins = linspace(0.0, f64::from(sample_rate / 2), n_fft / 2 + 1);
    let points: Vec<f32> =
        linspace(hz_to_mel(f_min), hz_to_mel(f_max), n_mels + 2).into_iter().map(mel_to_hz).collect();
    let mut bank = Vec::with_capacity(bins.len() * n_mels);
    for &bin in &bins {
        bank.extend(points.windows(3).map(|triangle| triangle_at(bin, triangle)));
    }
    bank
}

fn hz_to_mel(hz: f64) -> f64 {
    2595.0 * (1.0 + hz / 700.0).log10()
}

fn mel_to_hz(mel: f32) -> f32 {
    let power = 10f64.powf(f64::from(mel / 2595.0)) as f32;
    700.0 * (power - 1.0)
}

fn triangle_at(bin: f32, triangle: &[f32]) -> f32 {
    let [low, peak, high] = [triangle[0], triangle[1], triangle[2]];
    let rising = (bin - low) / (peak - low);
    let falling = (high - bin) / (high - peak);
    rising.min(falling).max(0.0)
}

/// Equally spaced float32 values as torch makes them: a float32 step, one rounding per value, and the second half
/// counted back from the end.
fn linspace(start: f64, end: f64, count: usize) -> Vec<f32> {
    let (start, end) = (start as f32, end as f32);
    let step = f64::from((end - start) / (count - 1) as f32);
    let from_start = |i: usize| f64::from(start) + step * i as f64;
    let from_end = |i: usize| f64::from(end) - step * (count - 1 - i) as f64;
    (0..count).map(|i| if i < count / 2 { from_start(i) } else { from_end(i) } as f32).collect()
}
