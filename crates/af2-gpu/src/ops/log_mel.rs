//! Log-mel spectrogram: mel filter bank and decibels.

use super::blocks_of_64;
use crate::plan::params;
use crate::shader::audio;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    LogMelParams { rows: u32, n_mels: u32, bins: u32 }
}

/// The buffers of [`log_mel`].
#[derive(Debug, Clone, Copy)]
pub struct LogMelBuffers<'a> {
    /// Power spectrum, [rows, bins].
    pub power: &'a Buffer,
    /// Filter bank, [bins, n_mels].
    pub bank: &'a Buffer,
    /// First bin and end of every triangle, [n_mels, 2] u32; see [`support`].
    pub support: &'a Buffer,
    /// [rows, n_mels].
    pub out: &'a Buffer,
}

/// `out[t, m] = 10 · log10(max(Σ_b power[t, b] · bank[b, m], 1e-10))`; t: frame, m: mel bin, b: frequency bin.
///
/// # Shapes
/// `power` [rows, bins], `bank` [bins, n_mels], `support` [n_mels, 2], `out` [rows, n_mels].
///
/// # Errors
/// The device allows no such grid.
pub fn log_mel(
    plan: &mut PlanBuilder,
    buffers: LogMelBuffers<'_>,
    rows: usize,
    n_mels: usize,
    bins: usize,
) -> Result<(), GpuError> {
    let LogMelBuffers { power, bank, support, out } = buffers;
    plan.dispatch(Dispatch {
        label: "log_mel".into(),
        shader: &audio::LOG_MEL,
        constants: &[],
        params: LogMelParams { rows: rows as u32, n_mels: n_mels as u32, bins: bins as u32 },
        buffers: &[("power", power), ("bank", bank), ("support", support), ("out", out)],
        groups: blocks_of_64(rows * n_mels),
        weight_bytes: 0,
        flops: 0,
    })
}

/// First bin and end of every triangle of a filter bank [bins, n_mels]: the range where it is not zero.
pub fn support(bank: &[f32], n_mels: usize) -> Vec<[u32; 2]> {
    let range = |mel: usize| {
        let bins =
            || bank.chunks_exact(n_mels).enumerate().filter(|(_, row)| row[mel] != 0.0).map(|(bin, _)| bin as u32);
        [bins().next().unwrap_or(0), bins().next_back().map_or(0, |bin| bin + 1)]
    };
    (0..n_mels).map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{gpu, random, run, upload};
    use super::*;

    #[test]
    fn decibels_with_a_floor() {
        let (rows, n_mels, bins) = (70, 5, 33);
        let mut power: Vec<f32> = random(rows * bins, 1).iter().map(|v| (v * 12.0).exp()).collect();
        power[..bins].fill(0.0);
        let bank: Vec<f32> =
            (0..bins * n_mels).map(|i| if (i / n_mels) / 6 == i % n_mels { 0.5 } else { 0.0 }).collect();
        let out = gpu().storage("out", (4 * rows * n_mels) as u64).unwrap();
        let ranges = support(&bank, n_mels);
        let buffers =
            LogMelBuffers { power: &upload(&power), bank: &upload(&bank), support: &upload(&ranges), out: &out };
        let found = run(&out, |plan| log_mel(plan, buffers, rows, n_mels, bins));
        for (i, decibels) in found.iter().enumerate() {
            let energy: f64 = (0..bins)
                .map(|b| f64::from(power[i / n_mels * bins + b]) * f64::from(bank[b * n_mels + i % n_mels]))
                .sum();
            let expected = 10.0 * energy.max(1e-10).log10();
            assert!((f64::from(*decibels) - expected).abs() < 1e-4, "{i}: {decibels} is not {expected}");
        }
        assert!(found[..n_mels].iter().all(|v| *v == -100.0), "silence is exactly -100 dB");
    }
}
