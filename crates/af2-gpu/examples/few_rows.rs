//! What several rows of activations cost beside one: the time of a matmul of 1 to 64 rows over that of a matvec with the same matrix.
//!
//! `cargo run --release -p af2-gpu --example few_rows -- 4864 896 q4`: outputs, columns, and how the weights are stored.

use std::time::Instant;

use af2_core::weights::Scheme;
use af2_gpu::ops::Epilogue;
use af2_gpu::ops::matmul::{Matmul, matmul};
use af2_gpu::ops::matvec::{InputNorm, Matvec, Row, matvec};
use af2_gpu::{Gpu, GpuError, GpuOptions, Matrix, Plan, PlanBuilder};

const ROWS: [usize; 7] = [1, 2, 4, 8, 16, 40, 64];
/// Runs of each plan, in turn with the others; the shortest counts.
const RUNS: usize = 9;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [outputs, cols, scheme] = &arguments[..] else {
        return Err("usage: few_rows OUTPUTS COLUMNS q4|q8|f16|f32".into());
    };
    let (outputs, cols): (usize, usize) = (outputs.parse()?, cols.parse()?);
    let scheme = match scheme.as_str() {
        "q4" => Scheme::Q4,
        "q8" => Scheme::Q8,
        "f16" => Scheme::F16,
        "f32" => Scheme::F32,
        other => return Err(format!("'{other}' is none of q4, q8, f16, f32").into()),
    };
    let gpu = pollster::block_on(Gpu::open(&GpuOptions::default()))?;
    let weights: Vec<f32> = (0..outputs * cols).map(|i| (i % 97) as f32 / 97.0 - 0.5).collect();
    let matrix = Matrix::from_f32(&gpu, "w", scheme, outputs, cols, &weights)?;
    let mut plans = vec![one_row(&gpu, &matrix)?];
    for rows in ROWS {
        plans.push(several_rows(&gpu, &matrix, rows)?);
    }
    let mut least = vec![f64::INFINITY; plans.len()];
    for run in 0..=RUNS {
        for (plan, least) in plans.iter().zip(&mut least) {
            let start = Instant::now();
            gpu.run(&[plan]);
            gpu.wait_for_all()?;
            // The first run compiles.
            *least = if run == 0 { *least } else { least.min(start.elapsed().as_secs_f64()) };
        }
    }
    println!("{}: {outputs} x {cols}, {scheme:?}; {}", gpu.info().name, gpu.tuning().describe());
    println!("matvec      {:9.3} ms", 1e3 * least[0]);
    for (rows, seconds) in ROWS.iter().zip(&least[1..]) {
        println!("{rows:>2} rows     {:9.3} ms{:8.2} times a matvec", 1e3 * seconds, seconds / least[0]);
    }
    Ok(())
}

fn one_row(gpu: &Gpu, w: &Matrix) -> Result<Plan, GpuError> {
    let (x, out) = (gpu.storage("x", 4 * w.cols as u64)?, gpu.storage("out", 4 * w.rows as u64)?);
    let mut plan = PlanBuilder::new(gpu, "matvec", None);
    let operands = Matvec { x: Row { buffer: &x, row: 0 }, norm: InputNorm::None, w, out: &out };
    matvec(&mut plan, "matvec", operands, &Epilogue::default())?;
    plan.finish()
}

fn several_rows(gpu: &Gpu, w: &Matrix, rows: usize) -> Result<Plan, GpuError> {
    let (x, out) = (gpu.storage("x", (4 * rows * w.cols) as u64)?, gpu.storage("out", (4 * rows * w.rows) as u64)?);
    let mut plan = PlanBuilder::new(gpu, "matmul", None);
    matmul(&mut plan, "matmul", Matmul { x: &x, w, out: &out, rows }, &Epilogue::default())?;
    plan.finish()
}
