//! The impulse response of the original's resampler (librosa's default, libsoxr at 20 bits).
//!
//! At a fixed ratio that converter is a linear-phase filter. Its measured responses fit a Kaiser-windowed sinc, for some
//! ratios followed by a short comb that stands for the roll-off of a first interpolation stage:
//!
//! `h(u) = a_0·K(u) + Σ_k a_k·(K(u − kδ) + K(u + kδ))`, `K(u) = c·sinc(c·u)·I0(β·sqrt(1 − (u/τ)²))/I0(β)` for |u| < τ,
//! with u in samples of the lower of the two rates.

use super::bessel::bessel_i0;

/// The rate the fitted responses belong to.
const FITTED_TARGET: u32 = 16_000;

/// Grid points per unit of u. Cubic interpolation between them is exact to 3e-11.
const GRID: usize = 512;

/// One fitted response.
struct Fit {
    rate: u32,
    beta: f64,
    tau: f64,
    cutoff: f64,
    delta: f64,
    comb: &'static [f64],
}

const fn plain(rate: u32, beta: f64, tau: f64, cutoff: f64) -> Fit {
    Fit { rate, beta, tau, cutoff, delta: 0.0, comb: &[1.0] }
}

/// Converter responses for source rates to 16 kHz, fitted to 3e-7 or better. The first serves all other ratios.
const FITS: [Fit; 11] = [
    plain(8_000, 13.0399054, 97.249519, 0.956871825),
    Fit {
        rate: 11_025,
        beta: 13.7115040,
        tau: 102.251084,
        cutoff: 0.956871832,
        delta: 0.3445313,
        comb: &[-0.6484284593, 1.3928128657, -0.8297346324, 0.3337029066, -0.0818913926, 0.0093247593],
    },
    plain(12_000, 13.0400155, 97.124924, 0.956871827),
    Fit {
        rate: 22_050,
        beta: 13.7128282,
        tau: 101.774505,
        cutoff: 0.956871771,
        delta: 0.3628118,
        comb: &[0.9137640602, 0.0691815404, -0.0348764181, 0.0100971396, -0.0012843140],
    },
    plain(24_000, 13.0400727, 96.833460, 0.956871827),
    plain(32_000, 13.0399126, 97.249539, 0.956871825),
    Fit {
        rate: 44_100,
        beta: 13.7128185,
        tau: 101.774467,
        cutoff: 0.956871771,
        delta: 0.3628118,
        comb: &[0.9137751207, 0.0691721376, -0.0348707725, 0.0100949230, -0.0012838639],
    },
    plain(48_000, 13.0401331, 96.833681, 0.956871825),
    Fit {
        rate: 88_200,
        beta: 14.3818371,
        tau: 106.843291,
        cutoff: 0.956871875,
        delta: 0.1814059,
        comb: &[-10.3700047096, 9.0713333339, -4.4979531058, 1.2664811133, -0.1548587545],
    },
    plain(96_000, 13.7111690, 101.499860, 0.956871826),
    plain(192_000, 14.1039823, 104.832585, 0.956871828),
];

/// h(u) for one ratio, with the windowed sinc tabulated on a fine grid.
pub(super) struct Kernel {
    fit: &'static Fit,
    /// K at multiples of 1/GRID from −2/GRID on, so that interpolation needs no border case.
    grid: Vec<f64>,
}

impl Kernel {
    /// The kernel for one pair of rates.
    pub(super) fn new(source_rate: u32, target_rate: u32) -> Self {
        let fitted = |fit: &&Fit| fit.rate == source_rate && target_rate == FITTED_TARGET;
        let fit = FITS.iter().find(fitted).unwrap_or(&FITS[0]);
        let points = (fit.tau * GRID as f64) as usize + 6;
        let at_centre = bessel_i0(fit.beta);
        let grid = (0..points).map(|i| fit.windowed_sinc((i as f64 - 2.0) / GRID as f64, at_centre)).collect();
        Self { fit, grid }
    }

    /// |u| beyond which h is zero.
    pub(super) fn reach(&self) -> f64 {
        self.fit.tau + self.fit.delta * (self.fit.comb.len() - 1) as f64
    }

    /// h(u).
    pub(super) fn at(&self, u: f64) -> f64 {
        let mut sum = self.fit.comb[0] * self.windowed_sinc(u);
        for (k, weight) in self.fit.comb.iter().enumerate().skip(1) {
            let shift = k as f64 * self.fit.delta;
            sum += weight * (self.windowed_sinc(u - shift) + self.windowed_sinc(u + shift));
        }
        sum
    }

    /// K(u) from the grid.
    fn windowed_sinc(&self, u: f64) -> f64 {
        let u = u.abs();
        if u >= self.fit.tau {
            return 0.0;
        }
        let position = u * GRID as f64;
        let base = position as usize;
        let weights = cubic_weights(position - base as f64);
        let points = &self.grid[base + 1..base + 5];
        weights.iter().zip(points).map(|(weight, point)| weight * point).sum()
    }
}

impl Fit {
    /// K(u) by its formula.
    fn windowed_sinc(&self, u: f64, at_centre: f64) -> f64 {
        let inside = 1.0 - (u / self.tau).powi(2);
        if inside <= 0.0 {
            return 0.0;
        }
        let angle = std::f64::consts::PI * self.cutoff * u;
        let sinc = if angle == 0.0 { 1.0 } else { angle.sin() / angle };
        self.cutoff * sinc * bessel_i0(self.beta * inside.sqrt()) / at_centre
    }
}

/// Lagrange weights of the points −1, 0, 1, 2 at `t` in [0, 1).
pub(super) fn cubic_weights(t: f64) -> [f64; 4] {
    let (before, after, last) = (t + 1.0, t - 1.0, t - 2.0);
    [-t * after * last / 6.0, before * after * last / 2.0, -before * t * last / 2.0, before * t * after / 6.0]
}
