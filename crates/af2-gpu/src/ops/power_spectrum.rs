//! Power spectrum of a short-time Fourier transform.

use crate::plan::params;
use crate::shader::audio as kernels;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    PowerSpectrumParams { samples: u32, frames: u32, windows: u32, hop: u32 }
}

/// Sizes of the transform.
#[derive(Debug, Clone, Copy)]
pub struct StftShape {
    /// Windows of audio.
    pub windows: usize,
    /// Samples per window.
    pub samples: usize,
    /// Frames per window: samples / hop + 1.
    pub frames: usize,
    /// Samples between frames.
    pub hop: usize,
    /// Transform length, a power of two from 4.
    pub n_fft: usize,
}

/// `power[w, t, b] = |FFT(hann · frame)[b]|²`; w: window, t: frame, b: frequency bin. Frame t is the n_fft samples centred on sample
/// t · hop of `audio[w]`, mirrored at both ends.
///
/// # Shapes
/// `audio` [windows, samples], `hann` \[n_fft\], `twiddle` [n_fft / 2, 2] (cos, −sin), `power` [windows · frames, n_fft / 2 + 1].
///
/// # Errors
/// The device allows no such grid.
pub fn power_spectrum(
    plan: &mut PlanBuilder,
    audio: &Buffer,
    hann: &Buffer,
    twiddle: &Buffer,
    power: &Buffer,
    shape: StftShape,
) -> Result<(), GpuError> {
    let half = shape.n_fft / 2;
    plan.dispatch(Dispatch {
        label: "power_spectrum".into(),
        shader: &kernels::POWER_SPECTRUM,
        constants: &[("HALF", half as f64), ("LOG2_HALF", f64::from(half.ilog2())), plan.gpu().tuning().row_threads()],
        params: PowerSpectrumParams {
            samples: shape.samples as u32,
            frames: shape.frames as u32,
            windows: shape.windows as u32,
            hop: shape.hop as u32,
        },
        buffers: &[("audio", audio), ("hann", hann), ("twiddle", twiddle), ("power", power)],
        groups: [(shape.windows * shape.frames) as u32, 1, 1],
        weight_bytes: 0,
        // 5 n log2 n, the usual count of a complex FFT of n = n_fft / 2.
        flops: 5 * (shape.windows * shape.frames * half) as u64 * u64::from(half.ilog2()),
    })
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::super::testing::{TUNINGS, assert_close, gpu, random, run_tuned, upload};
    use super::*;

    fn twin(audio: &[f32], hann: &[f32], shape: StftShape) -> Vec<f64> {
        let (n, last) = (shape.n_fft, shape.samples as i64 - 1);
        let mut out = Vec::new();
        for (window, frame) in (0..shape.windows).flat_map(|w| (0..shape.frames).map(move |t| (w, t))) {
            let sample = |i: usize| {
                let at = ((frame * shape.hop + i) as i64 - n as i64 / 2).abs();
                let at = if at > last { 2 * last - at } else { at };
                f64::from(audio[window * shape.samples + at as usize]) * f64::from(hann[i])
            };
            let values: Vec<f64> = (0..n).map(sample).collect();
            for bin in 0..=n / 2 {
                let angle = |i: usize| TAU * ((i * bin) % n) as f64 / n as f64;
                let re: f64 = values.iter().enumerate().map(|(i, v)| v * angle(i).cos()).sum();
                let im: f64 = values.iter().enumerate().map(|(i, v)| v * angle(i).sin()).sum();
                out.push(re * re + im * im);
            }
        }
        out
    }

    #[test]
    fn every_length_and_hop() {
        for (windows, samples, hop, n_fft) in
            [(1, 1600, 160, 1024), (2, 700, 50, 256), (1, 400, 50, 128), (1, 64, 7, 32), (1, 9, 2, 4)]
        {
            let shape = StftShape { windows, samples, frames: samples / hop + 1, hop, n_fft };
            let audio = random(windows * samples, 1);
            let hann: Vec<f32> =
                (0..n_fft).map(|i| (0.5 - 0.5 * (TAU * i as f64 / n_fft as f64).cos()) as f32).collect();
            let twiddle: Vec<f32> = (0..n_fft / 2)
                .flat_map(|k| {
                    let angle = TAU * k as f64 / n_fft as f64;
                    [angle.cos() as f32, -angle.sin() as f32]
                })
                .collect();
            let out = gpu().storage("out", (4 * windows * shape.frames * (n_fft / 2 + 1)) as u64).unwrap();
            let expected = twin(&audio, &hann, shape);
            let (audio, hann, twiddle) = (upload(&audio), upload(&hann), upload(&twiddle));
            for tuning in TUNINGS {
                let found = run_tuned(tuning, &out, |plan| power_spectrum(plan, &audio, &hann, &twiddle, &out, shape));
                assert_close(&format!("{shape:?}"), &found, &expected, 1e-11);
            }
        }
    }
}
