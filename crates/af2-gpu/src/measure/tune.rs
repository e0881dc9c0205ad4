//! The fastest [`Tuning`] of an adapter, and the fastest sizes for single matrices, by measuring every candidate.

use af2_core::weights::Scheme;

use crate::matrix::Stacking;
use crate::ops::Epilogue;
use crate::ops::layer_norm::{NormBuffers, layer_norm};
use crate::ops::matmul::{Matmul, matmul};
use crate::ops::matvec::{InputNorm, Matvec, Row, matvec};
use crate::{
    DeviceProfile, Gpu, GpuError, Kernels, MatmulKernel, Matrix, MatrixShape, MatvecKernel, MatvecSizes, Plan,
    PlanBuilder, Tuning,
};

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
/// Candidates for matmul.
const MATMUL: [MatmulKernel; 2] = [MatmulKernel::Tiled, MatmulKernel::Block];
/// The same for hardware GPUs, if they work on the device. They round operands.
const ROUNDING: [MatmulKernel; 3] = [MatmulKernel::Half, MatmulKernel::Int8, MatmulKernel::Cooperative];
/// Candidates for the threads of a workgroup that works on one row.
const ROW_THREADS: [u32; 4] = [8, 32, 64, 128];
/// A candidate replaces the best one so far when it takes less than this share of its time; smaller gains are noise.
const CLEARLY: f64 = 0.95;
/// Each candidate runs three times for this many seconds.
const SLICE: f64 = 0.01;
/// Nothing is measured for a matrix after so many seconds: the rules serve those that are left.
const BUDGET: f64 = 20.0;
/// Bytes of the matrices that take turns, so that they come from memory as they do while a model answers. No GPU here caches more.
const TURNS_BYTES: u64 = 96 << 20;
/// Most matrices that take turns.
const TURNS: u64 = 64;

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
        let with = |matmul: &MatmulKernel| Tuning { matmul: *matmul, ..best };
        let mut matmuls: Vec<_> = MATMUL.iter().map(with).collect();
        if !self.info().software {
            // The work for software adapters is too small for wide tiles: the plan would hold another kernel.
            matmuls.push(with(&MatmulKernel::Wide));
            for tuning in ROUNDING.iter().map(with) {
                if self.tuned(tuning).matmul_works().await? {
                    matmuls.push(tuning);
                }
            }
        }
        let best = watch.fastest(best, &matmuls, Stopwatch::matmul).await?;
        let rows = ROW_THREADS.map(|row_threads| Tuning { row_threads, ..best });
        watch.fastest(best, &rows, Stopwatch::norm).await
    }
}

impl Gpu {
    /// These kernels with the fastest sizes for the matrices of a model that were not measured before. `now` is a clock in seconds;
    /// `progress` is told after how many matrices of how many. Takes at most about 20 seconds, and nothing where another than the staged
    /// kernel is in use.
    ///
    /// # Errors
    /// The device failed or has too little memory.
    pub async fn measure_matvecs(
        &self,
        shapes: &[MatrixShape],
        now: &dyn Fn() -> f64,
        progress: &dyn Fn(usize, usize),
    ) -> Result<Kernels, GpuError> {
        let mut kernels = self.kernels().clone();
        if kernels.tuning.matvec != MatvecKernel::Staged {
            return Ok(kernels);
        }
        let watch = Stopwatch { gpu: self, work: ON_HARDWARE, now };
        let end = now() + BUDGET;
        for (done, shape) in shapes.iter().enumerate() {
            progress(done, shapes.len());
            if kernels.measured(*shape).is_none() && now() < end {
                let sizes = watch.fastest_sizes(*shape, end).await?;
                kernels.set(*shape, sizes);
            }
        }
        progress(shapes.len(), shapes.len());
        Ok(kernels)
    }
}

/// What is measured for a matrix: the choices for every profile, first the device's own, with many threads and with few,
/// and with twice as many parts.
fn candidates(gpu: &Gpu, shape: MatrixShape) -> Vec<MatvecSizes> {
    let tuning = gpu.tuning();
    let fewer = [
        tuning,
        Tuning { matvec_threads: tuning.matvec_threads.min(32), ..tuning },
        Tuning { matvec_rows: tuning.matvec_rows.min(4), ..tuning },
    ];
    let profiles = [*gpu.device_profile()].into_iter().chain(DeviceProfile::ALL);
    let mut found = Vec::new();
    for (profile, tuning) in profiles.flat_map(|profile| fewer.map(|tuning| (profile, tuning))) {
        let sizes = MatvecSizes::choose(shape, tuning, &profile);
        for sizes in [sizes, MatvecSizes { parts: 2 * sizes.parts, ..sizes }] {
            if sizes.fit(shape) && !found.contains(&sizes) {
                found.push(sizes);
            }
        }
    }
    found
}

impl Stopwatch<'_> {
    /// The first candidate for a matrix, or the one that is clearly faster than it and than all before; of those measured until `end`.
    async fn fastest_sizes(&self, shape: MatrixShape, end: f64) -> Result<MatvecSizes, GpuError> {
        let candidates = candidates(self.gpu, shape);
        let matrices = self.gpu.scoped("tuning", || turns(self.gpu, shape)).await?;
        let (mut best, mut least) = (candidates[0], f64::INFINITY);
        for sizes in candidates {
            let mut kernels = Kernels::from(self.gpu.tuning());
            for part in matrices.iter().flat_map(|matrix| matrix.part_shapes(false)) {
                kernels.set(part, sizes);
            }
            let seconds = self.seconds(kernels, &|_: &Self, gpu: &Gpu| matvecs(gpu, &matrices)).await?;
            if seconds < CLEARLY * least {
                (best, least) = (sizes, seconds);
            }
            if (self.now)() > end {
                break;
            }
        }
        Ok(best)
    }

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
        kernels: impl Into<Kernels>,
        plan: &impl Fn(&Self, &Gpu) -> Result<Plan, GpuError>,
    ) -> Result<f64, GpuError> {
        let gpu = self.gpu.tuned(kernels);
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
        let matrix = |(rows, cols): &(usize, usize)| allocate(gpu, *rows, *cols, Scheme::Q4);
        matvecs(gpu, &self.work.matvecs.iter().map(matrix).collect::<Result<Vec<_>, _>>()?)
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

fn allocate(gpu: &Gpu, rows: usize, cols: usize, scheme: Scheme) -> Result<Matrix, GpuError> {
    Ok(Matrix::allocate(gpu, "tuning", scheme, cols, &[rows], Stacking::Stacked)?.0)
}

/// Enough matrices of a shape that no cache holds them all; of a very large one, its first rows.
fn turns(gpu: &Gpu, shape: MatrixShape) -> Result<Vec<Matrix>, GpuError> {
    let MatrixShape { rows, cols, scheme, .. } = shape;
    let row_bytes = (shape.bytes() / rows.max(1) as u64).max(1);
    let rows = rows.min((TURNS_BYTES / row_bytes).max(32) as usize);
    let count = (TURNS_BYTES / (row_bytes * rows as u64)).clamp(1, TURNS);
    (0..count).map(|_| allocate(gpu, rows, cols, scheme)).collect()
}

/// A matvec with each of the matrices.
fn matvecs(gpu: &Gpu, matrices: &[Matrix]) -> Result<Plan, GpuError> {
    let most = matrices.iter().map(|matrix| matrix.rows.max(matrix.cols)).max().unwrap_or(0);
    let vector = |label| gpu.storage(label, 4 * most as u64);
    let (x, norm, out) = (vector("x")?, vector("norm")?, vector("out")?);
    let mut plan = PlanBuilder::new(gpu, "tuning", None);
    for w in matrices {
        let (row, norm) = (Row { buffer: &x, row: 0 }, InputNorm::Rms(&norm, 1.0));
        matvec(&mut plan, "tuning", Matvec { x: row, norm, w, out: &out }, &Epilogue::default())?;
    }
    plan.finish()
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

    #[test]
    fn every_matrix_gets_its_own_sizes() {
        let gpu = gpu().tuned(Tuning::HARDWARE);
        let shape = |rows, cols, paired| MatrixShape { rows, cols, scheme: Scheme::Q4, paired };
        let (first, second) = (shape(96, 896, true), shape(64, 96, false));
        let known = MatvecSizes { rows: 4, threads: 32, slices: 32, ahead: 1, parts: 1 };
        let mut start = Kernels::from(Tuning::HARDWARE);
        start.set(second, known);
        let told = std::cell::RefCell::new(Vec::new());
        let ticks = std::cell::Cell::new(0.0);
        let now = || {
            ticks.set(ticks.get() + 1.0);
            ticks.get()
        };
        let (gpu, tell) = (gpu.tuned(start), |done, all| told.borrow_mut().push((done, all)));
        let kernels = wait(gpu.measure_matvecs(&[first, second], &now, &tell)).expect("a working device");
        let sizes = kernels.measured(first).expect("it was measured");
        assert!(candidates(&gpu, first).contains(&sizes), "{sizes}");
        assert_eq!(kernels.measured(second), Some(known), "what is known is not measured again");
        assert_eq!(*told.borrow(), [(0, 2), (1, 2), (2, 2)]);
        assert_eq!(kernels.to_string().parse(), Ok(kernels));
    }

    #[test]
    fn nothing_is_measured_once_the_time_is_up_or_for_other_kernels() {
        let shape = MatrixShape { rows: 64, cols: 96, scheme: Scheme::Q4, paired: false };
        let ticks = std::cell::Cell::new(0.0);
        let late = || {
            ticks.set(ticks.get() + BUDGET);
            ticks.get()
        };
        for tuning in [Tuning::HARDWARE, Tuning::SOFTWARE] {
            let kernels = wait(gpu().tuned(tuning).measure_matvecs(&[shape], &late, &|_, _| ()));
            assert_eq!(kernels.expect("a working device"), Kernels::from(tuning));
        }
    }

    #[test]
    fn matrices_that_take_turns_are_more_than_caches_hold() {
        for (rows, cols) in [(896, 4_864), (22_016, 2_048)] {
            let shape = MatrixShape { rows, cols, scheme: Scheme::Q4, paired: false };
            let bytes: u64 = turns(gpu(), shape).unwrap().iter().map(Matrix::bytes).sum();
            assert!((TURNS_BYTES / 2..=TURNS_BYTES).contains(&bytes), "{shape}: {bytes}");
        }
    }
}
