//! The fastest [`Tuning`] of an adapter, by measuring every candidate.

use af2_core::weights::Scheme;

use crate::matrix::Stacking;
use crate::ops::Epilogue;
use crate::ops::layer_norm::{NormBuffers, layer_norm};
use crate::ops::matmul::{Matmul, matmul};
use crate::ops::matvec::{InputNorm, Matvec, Row, matvec};
use crate::{Gpu, GpuError, MatmulKernel, Matrix, MatvecKernel, Plan, PlanBuilder, Tuning};

/// Candidates for matvec: kernel, matrix rows and threads per workgroup.
const MATVEC: [(MatvecKernel, u32, u32); 8] = [
    (MatvecKernel::Block, 32, 8),
    (MatvecKernel::Block, 8, 32),
    (MatvecKernel::Block, 8, 64),
    (MatvecKernel::Staged, 8, 16),
    (MatvecKernel::Staged, 4, 32),
    (MatvecKernel::Staged, 8, 32),
    (MatvecKernel::Staged, 4, 64),
    (MatvecKernel::Staged, 8, 64),
];
/// Candidates for the threads of a workgroup that works on one row.
const ROW_THREADS: [u32; 4] = [8, 32, 64, 128];
/// A candidate replaces the best one so far when it takes less than this share of its time; smaller gains are noise.
const CLEARLY: f64 = 0.95;
/// Each candidate runs three times for this many seconds.
const SLICE: f64 = 0.01;

/// Sizes of the measured work.
struct Work {
    /// Rows and columns of the matrices of the matvec plan. For hardware GPUs: more bytes than the caches hold, in the sizes of a model.
    matvecs: &'static [(usize, usize)],
    /// Rows of the activations in the matmul and norm plans.
    rows: usize,
    /// Their columns.
    cols: usize,
}

/// Two layers of the 3B decoder: q, k and v; output; gate and up; down.
const LAYERS: [(usize, usize); 8] = [
    (2_560, 2_048),
    (2_048, 2_048),
    (22_016, 2_048),
    (2_048, 11_008),
    (2_560, 2_048),
    (2_048, 2_048),
    (22_016, 2_048),
    (2_048, 11_008),
];
const ON_HARDWARE: Work = Work { matvecs: &LAYERS, rows: 1_024, cols: 1_024 };
const ON_SOFTWARE: Work = Work { matvecs: &[(1_024, 512)], rows: 64, cols: 128 };

/// Measures on one device with one clock.
struct Stopwatch<'a> {
    gpu: &'a Gpu,
    work: Work,
    /// Seconds.
    now: &'a dyn Fn() -> f64,
}

impl Gpu {
    /// The fastest tuning of this device, starting from the one in use. `now` is a clock in seconds.
    ///
    /// # Errors
    /// The device failed or has too little memory.
    pub async fn measure_tuning(&self, now: &dyn Fn() -> f64) -> Result<Tuning, GpuError> {
        let work = if self.info().software { ON_SOFTWARE } else { ON_HARDWARE };
        let watch = Stopwatch { gpu: self, work, now };
        let start = self.tuning();
        let matvecs =
            MATVEC.map(|(matvec, matvec_rows, matvec_threads)| Tuning { matvec, matvec_rows, matvec_threads, ..start });
        let best = watch.fastest(start, &matvecs, Stopwatch::matvec).await?;
        // The work for software adapters is too small for wide tiles: the plan would hold another kernel.
        let kernels: &[MatmulKernel] = match self.info().software {
            true => &[MatmulKernel::Tiled, MatmulKernel::Block],
            false => &[MatmulKernel::Tiled, MatmulKernel::Wide, MatmulKernel::Block],
        };
        let matmuls: Vec<_> = kernels.iter().map(|matmul| Tuning { matmul: *matmul, ..best }).collect();
        let best = watch.fastest(best, &matmuls, Stopwatch::matmul).await?;
        let rows = ROW_THREADS.map(|row_threads| Tuning { row_threads, ..best });
        watch.fastest(best, &rows, Stopwatch::norm).await
    }
}

impl Stopwatch<'_> {
    /// `start`, or the candidate that is clearly faster than it and than all candidates before.
    async fn fastest(
        &self,
        start: Tuning,
        candidates: &[Tuning],
        plan: impl Fn(&Self, &Gpu) -> Result<Plan, GpuError>,
    ) -> Result<Tuning, GpuError> {
        let (mut best, mut least) = (start, self.seconds(start, &plan).await?);
        for tuning in candidates.iter().filter(|tuning| **tuning != start) {
            let seconds = self.seconds(*tuning, &plan).await?;
            if seconds < CLEARLY * least {
                (best, least) = (*tuning, seconds);
            }
        }
        Ok(best)
    }

    /// Seconds of a run: the least of three slices.
    async fn seconds(
        &self,
        tuning: Tuning,
        plan: &impl Fn(&Self, &Gpu) -> Result<Plan, GpuError>,
    ) -> Result<f64, GpuError> {
        let gpu = self.gpu.tuned(tuning);
        let plan = self.gpu.scoped("tuning", || plan(self, &gpu)).await?;
        self.run(&plan, 1).await?; // compiles
        let mut runs = 1;
        let mut least = self.run(&plan, runs).await?;
        while least * (runs as f64) < SLICE {
            runs *= 2;
            least = self.run(&plan, runs).await?;
        }
        for _ in 0..2 {
            least = least.min(self.run(&plan, runs).await?);
        }
        Ok(least)
    }

    async fn run(&self, plan: &Plan, runs: usize) -> Result<f64, GpuError> {
        let start = (self.now)();
        for _ in 0..runs {
            self.gpu.run(&[plan]);
        }
        self.gpu.idle().await?;
        Ok(((self.now)() - start) / runs as f64)
    }

    /// The largest part of decoding: 4-bit matvecs.
    fn matvec(&self, gpu: &Gpu) -> Result<Plan, GpuError> {
        let most = self.work.matvecs.iter().map(|(rows, cols)| rows.max(cols)).max().unwrap_or(&0);
        let vector = |label| gpu.storage(label, 4 * *most as u64);
        let (x, norm, out) = (vector("x")?, vector("norm")?, vector("out")?);
        let mut plan = PlanBuilder::new(gpu, "tuning", None);
        for (rows, cols) in self.work.matvecs {
            let (matrix, _) = Matrix::allocate(gpu, "tuning", Scheme::Q4, *cols, &[*rows], Stacking::Stacked)?;
            let (row, norm) = (Row { buffer: &x, row: 0 }, InputNorm::Rms(&norm, 1.0));
            matvec(&mut plan, "tuning", Matvec { x: row, norm, w: &matrix, out: &out }, &Epilogue::default())?;
        }
        plan.finish()
    }

    /// The largest part of the encoder: 8-bit matmuls.
    fn matmul(&self, gpu: &Gpu) -> Result<Plan, GpuError> {
        let (rows, cols) = (self.work.rows, self.work.cols);
        let (matrix, _) = Matrix::allocate(gpu, "tuning", Scheme::Q8, cols, &[cols], Stacking::Stacked)?;
        let bytes = (4 * rows * cols) as u64;
        let (x, out) = (gpu.storage("x", bytes)?, gpu.storage("out", bytes)?);
        let mut plan = PlanBuilder::new(gpu, "tuning", None);
        matmul(&mut plan, "tuning", Matmul { x: &x, w: &matrix, out: &out, rows }, &Epilogue::default())?;
        plan.finish()
    }

    /// Layer norms, a workgroup per row.
    fn norm(&self, gpu: &Gpu) -> Result<Plan, GpuError> {
        let (rows, cols) = (self.work.rows, self.work.cols);
        let bytes = (4 * rows * cols) as u64;
        let (x, out, norm) =
            (gpu.storage("x", bytes)?, gpu.storage("out", bytes)?, gpu.storage("norm", 8 * cols as u64)?);
        let mut plan = PlanBuilder::new(gpu, "tuning", None);
        layer_norm(&mut plan, "tuning", NormBuffers { x: &x, norm: &norm, out: &out }, [rows, cols], 1e-5, 1.0)?;
        plan.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::ops::testing::{gpu, wait};

    #[test]
    fn a_tuning_stays_unless_another_is_clearly_faster() {
        let start = gpu().tuning();
        let ticks = std::cell::Cell::new(0.0);
        let alike = || {
            ticks.set(ticks.get() + 1.0);
            ticks.get()
        };
        let chosen = wait(gpu().measure_tuning(&alike)).expect("a working device");
        assert_eq!(chosen, start, "by a clock on which all candidates take the same time");
        let (began, known) = (Instant::now(), |matvec| MATVEC.contains(&matvec));
        let chosen = wait(gpu().measure_tuning(&|| began.elapsed().as_secs_f64())).expect("a working device");
        assert!(known((chosen.matvec, chosen.matvec_rows, chosen.matvec_threads)), "{chosen:?}");
        assert!(ROW_THREADS.contains(&chosen.row_threads), "{chosen:?}");
    }
}
