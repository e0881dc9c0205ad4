//! Which of the choices of [`Tuning`] is fastest on this adapter, by measuring them.

use af2_core::weights::Scheme;

use crate::matrix::Stacking;
use crate::ops::Epilogue;
use crate::ops::layer_norm::layer_norm;
use crate::ops::matmul::matmul;
use crate::ops::matvec::{InputNorm, Row, matvec};
use crate::{Gpu, GpuError, Matrix, Plan, PlanBuilder, Product, RowProduct, Tuning};

/// Kernel, rows and threads per workgroup of products with one row.
const MATVEC: [(RowProduct, u32, u32); 8] = [
    (RowProduct::Block, 32, 8),
    (RowProduct::Block, 8, 32),
    (RowProduct::Block, 8, 64),
    (RowProduct::Staged, 8, 16),
    (RowProduct::Staged, 4, 32),
    (RowProduct::Staged, 8, 32),
    (RowProduct::Staged, 4, 64),
    (RowProduct::Staged, 8, 64),
];
/// Threads per workgroup where each works on one row.
const ROW_THREADS: [u32; 4] = [8, 32, 64, 128];
/// A choice is left for one that takes this share of its time or less; closer ones are noise.
const CLEARLY: f64 = 0.95;
/// Each choice runs until this many seconds have passed, three times.
const SLICE: f64 = 0.01;

/// Sizes of the work that stands for a model's.
struct Work {
    /// Rows and columns of the matrices that one row meets, one after another: on a chip more bytes than its caches hold, and in sizes
    /// of which some are read at once and others wait for the one before.
    matvecs: &'static [(usize, usize)],
    /// Rows of the other two kinds of work.
    rows: usize,
    /// Their columns.
    cols: usize,
}

/// Two layers of a decoder of 3 billion parameters: q, k and v; output; gate and up; down.
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
const ON_CHIP: Work = Work { matvecs: &LAYERS, rows: 1_024, cols: 1_024 };
const ON_PROGRAM: Work = Work { matvecs: &[(1_024, 512)], rows: 64, cols: 128 };

/// Measures on one device with one clock.
struct Stopwatch<'a> {
    gpu: &'a Gpu,
    work: Work,
    /// Seconds.
    now: &'a dyn Fn() -> f64,
}

impl Gpu {
    /// The fastest choices here, starting from those in use. `now` is a clock in seconds.
    ///
    /// # Errors
    /// The device failed or has too little memory.
    pub async fn measure_tuning(&self, now: &dyn Fn() -> f64) -> Result<Tuning, GpuError> {
        let work = if self.facts().software { ON_PROGRAM } else { ON_CHIP };
        let watch = Stopwatch { gpu: self, work, now };
        let start = self.tuning();
        let matvecs = MATVEC.map(|(row_product, matvec_rows, matvec_threads)| Tuning {
            row_product,
            matvec_rows,
            matvec_threads,
            ..start
        });
        let best = watch.fastest(start, &matvecs, Stopwatch::matvec).await?;
        // A program's work is too small for wide tiles: they would be chosen without having been measured.
        let products: &[Product] = match self.facts().software {
            true => &[Product::Tiled, Product::Block],
            false => &[Product::Tiled, Product::Wide, Product::Block],
        };
        let products: Vec<_> = products.iter().map(|product| Tuning { product: *product, ..best }).collect();
        let best = watch.fastest(best, &products, Stopwatch::product).await?;
        let rows = ROW_THREADS.map(|row_threads| Tuning { row_threads, ..best });
        watch.fastest(best, &rows, Stopwatch::norm).await
    }
}

impl Stopwatch<'_> {
    /// `start`, or the one that is clearly faster than it and than the others before.
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

    /// Least seconds of a run among three slices.
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

    /// A token's largest part: 4-bit weights met by one row.
    fn matvec(&self, gpu: &Gpu) -> Result<Plan, GpuError> {
        let most = self.work.matvecs.iter().map(|(rows, cols)| rows.max(cols)).max().unwrap_or(&0);
        let vector = |label| gpu.storage(label, 4 * *most as u64);
        let (x, norm, out) = (vector("x")?, vector("norm")?, vector("out")?);
        let mut plan = PlanBuilder::new(gpu, "tuning", None);
        for (rows, cols) in self.work.matvecs {
            let (matrix, _) = Matrix::allocate(gpu, "tuning", Scheme::Q4, *cols, &[*rows], Stacking::Stacked)?;
            let (row, norm) = (Row { buffer: &x, row: 0 }, InputNorm::Rms(&norm, 1.0));
            matvec(&mut plan, "tuning", row, norm, &matrix, &out, &Epilogue::default())?;
        }
        plan.finish()
    }

    /// The encoder's largest part: 8-bit weights met by many rows.
    fn product(&self, gpu: &Gpu) -> Result<Plan, GpuError> {
        let (rows, cols) = (self.work.rows, self.work.cols);
        let (matrix, _) = Matrix::allocate(gpu, "tuning", Scheme::Q8, cols, &[cols], Stacking::Stacked)?;
        let bytes = (4 * rows * cols) as u64;
        let (x, out) = (gpu.storage("x", bytes)?, gpu.storage("out", bytes)?);
        let mut plan = PlanBuilder::new(gpu, "tuning", None);
        matmul(&mut plan, "tuning", &x, &matrix, &out, rows, &Epilogue::default())?;
        plan.finish()
    }

    /// One thread or several per row.
    fn norm(&self, gpu: &Gpu) -> Result<Plan, GpuError> {
        let (rows, cols) = (self.work.rows, self.work.cols);
        let bytes = (4 * rows * cols) as u64;
        let (x, out, norm) =
            (gpu.storage("x", bytes)?, gpu.storage("out", bytes)?, gpu.storage("norm", 8 * cols as u64)?);
        let mut plan = PlanBuilder::new(gpu, "tuning", None);
        layer_norm(&mut plan, "tuning", &x, &norm, &out, [rows, cols], 1e-5, 1.0)?;
        plan.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::ops::testing::{gpu, wait};

    #[test]
    fn a_choice_stays_unless_another_is_clearly_faster() {
        let start = gpu().tuning();
        let ticks = std::cell::Cell::new(0.0);
        let alike = || {
            ticks.set(ticks.get() + 1.0);
            ticks.get()
        };
        let chosen = wait(gpu().measure_tuning(&alike)).expect("a working device");
        assert_eq!(chosen, start, "by a clock on which all take the same time");
        let (began, known) = (Instant::now(), |matvec| MATVEC.contains(&matvec));
        let chosen = wait(gpu().measure_tuning(&|| began.elapsed().as_secs_f64())).expect("a working device");
        assert!(known((chosen.row_product, chosen.matvec_rows, chosen.matvec_threads)), "{chosen:?}");
        assert!(ROW_THREADS.contains(&chosen.row_threads), "{chosen:?}");
    }
}
