//! From log-mel to the image that the encoder sees.

use super::blocks_of_64;
use crate::plan::params;
use crate::shader::audio;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    FoldImageParams { windows: u32, frames: u32, n_mels: u32, side: u32 }
}

/// Tables and statistics of [`fold_image`].
#[derive(Debug, Clone, Copy)]
pub struct FoldTables<'a> {
    /// Batch norm per mel bin: weight, bias, running mean, running variance, [4, n_mels].
    pub batch_norm: &'a Buffer,
    /// Four source frames per image column in time, [time, 4] u32.
    pub taps: &'a Buffer,
    /// Their bicubic weights, [time, 4].
    pub tap_weights: &'a Buffer,
}

/// Sizes of [`fold_image`].
#[derive(Debug, Clone, Copy)]
pub struct FoldShape {
    /// Windows of audio.
    pub windows: usize,
    /// Spectrogram frames per window.
    pub frames: usize,
    /// Mel bins.
    pub n_mels: usize,
    /// Side of the image; time = side² / n_mels.
    pub side: usize,
}

/// `image[n_mels · r + m, c] = Σ_j tap_weights[t, j] · bn(logmel[taps[t, j], m])` with `t = side · r + c`: batch norm bn per mel bin m,
/// bicubic interpolation along time over four taps j, and the time axis folded into side / n_mels bands r.
///
/// # Shapes
/// `logmel` [windows, frames, n_mels], `image` [windows, side, side]; tables as in [`FoldTables`].
///
/// # Errors
/// The device allows no such grid.
pub fn fold_image(
    plan: &mut PlanBuilder,
    logmel: &Buffer,
    tables: FoldTables<'_>,
    image: &Buffer,
    shape: FoldShape,
) -> Result<(), GpuError> {
    let FoldShape { windows, frames, n_mels, side } = shape;
    plan.dispatch(Dispatch {
        label: "fold_image".into(),
        shader: &audio::FOLD_IMAGE,
        constants: &[],
        params: FoldImageParams {
            windows: windows as u32,
            frames: frames as u32,
            n_mels: n_mels as u32,
            side: side as u32,
        },
        buffers: &[
            ("logmel", logmel),
            ("batch_norm", tables.batch_norm),
            ("taps", tables.taps),
            ("tap_weights", tables.tap_weights),
            ("image", image),
        ],
        groups: blocks_of_64(windows * side * side),
        weight_bytes: 0,
        flops: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_close, gpu, random, run, upload};
    use super::*;

    #[test]
    fn normalises_interpolates_and_folds() {
        for (windows, frames, n_mels, side) in [(1, 29, 8, 16), (2, 1001, 64, 256)] {
            let time = side * side / n_mels;
            let logmel = random(windows * frames * n_mels, 1);
            let norm: Vec<f32> = random(4 * n_mels, 2).iter().map(|v| v.abs() + 0.1).collect();
            let taps: Vec<u32> = (0..4 * time).map(|i| ((i * 7) % frames) as u32).collect();
            let weights = random(4 * time, 3);
            let out = gpu().storage("out", (4 * windows * side * side) as u64).unwrap();
            let (batch_norm, tap_buffer, tap_weights) = (upload(&norm), upload(&taps), upload(&weights));
            let tables = FoldTables { batch_norm: &batch_norm, taps: &tap_buffer, tap_weights: &tap_weights };
            let shape = FoldShape { windows, frames, n_mels, side };
            let found = run(&out, |plan| fold_image(plan, &upload(&logmel), tables, &out, shape));
            let value = |w: usize, frame: usize, m: usize| {
                let x = f64::from(logmel[(w * frames + frame) * n_mels + m]);
                let of = |row: usize| f64::from(norm[row * n_mels + m]);
                (x - of(2)) / (of(3) + 1e-5).sqrt() * of(0) + of(1)
            };
            let expected: Vec<f64> = (0..windows * side * side)
                .map(|i| {
                    let (w, row, c) = (i / (side * side), i / side % side, i % side);
                    let at = side * (row / n_mels) + c;
                    (0..4)
                        .map(|k| f64::from(weights[4 * at + k]) * value(w, taps[4 * at + k] as usize, row % n_mels))
                        .sum()
                })
                .collect();
            assert_close(&format!("{windows} {frames} {n_mels} {side}"), &found, &expected, 1e-11);
        }
    }
}
