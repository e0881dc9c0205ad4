//! What a dispatch costs on the thread that records it: seconds to encode, finish and submit a plan like that of a token.
//!
//! `cargo run --release -p af2-gpu --example recording -- 267`: dispatches.

use std::time::Instant;

use af2_core::weights::Scheme;
use af2_gpu::ops::Epilogue;
use af2_gpu::ops::layer_norm::NormBuffers;
use af2_gpu::ops::matvec::{InputNorm, Matvec, Row, matvec};
use af2_gpu::ops::rms_norm::rms_norm;
use af2_gpu::{Gpu, GpuError, GpuOptions, Matrix, Plan, PlanBuilder};

/// Columns of the small matrices: the GPU's work is not what is measured.
const SIDE: usize = 32;
/// Recordings; the shortest counts.
const RUNS: usize = 300;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: usize = std::env::args().nth(1).ok_or("usage: recording DISPATCHES")?.parse()?;
    let gpu = pollster::block_on(Gpu::open(&GpuOptions::default()))?;
    let plan = chain(&gpu, count)?;
    let mut least = [f64::INFINITY; 3];
    for _ in 0..RUNS {
        let start = Instant::now();
        let mut encoder = gpu.device().create_command_encoder(&Default::default());
        gpu.encode(&mut encoder, &[&plan]);
        let encoded = start.elapsed().as_secs_f64();
        let commands = encoder.finish();
        let finished = start.elapsed().as_secs_f64();
        gpu.queue().submit([commands]);
        let submitted = start.elapsed().as_secs_f64();
        for (least, seconds) in least.iter_mut().zip([encoded, finished - encoded, submitted - finished]) {
            *least = least.min(seconds);
        }
        gpu.wait_for_all()?;
    }
    let per = |seconds: f64| 1e6 * seconds / count as f64;
    println!("{}: {count} dispatches, microseconds each", gpu.info().name);
    println!(
        "encode {:.2}, finish {:.2}, submit {:.2}, all {:.2}",
        per(least[0]),
        per(least[1]),
        per(least[2]),
        per(least.iter().sum::<f64>())
    );
    Ok(())
}

/// Matvecs with norms between them, each with buffers of its own as the layers of a model have.
fn chain(gpu: &Gpu, count: usize) -> Result<Plan, GpuError> {
    let row = |label: &str| gpu.storage(label, 4 * SIDE as u64);
    let (mut x, mut next) = (row("x")?, row("next")?);
    let weights = vec![0.01; SIDE * SIDE];
    let mut plan = PlanBuilder::new(gpu, "chain", None);
    for index in 0..count {
        if index % 4 == 0 {
            let norm = row("norm")?;
            rms_norm(&mut plan, "norm", NormBuffers { x: &x, norm: &norm, out: &next }, [1, SIDE], 1e-5)?;
        } else {
            let (w, bias) = (Matrix::from_f32(gpu, "w", Scheme::Q4, SIDE, SIDE, &weights)?, row("bias")?);
            let operands = Matvec { x: Row { buffer: &x, row: 0 }, norm: InputNorm::None, w: &w, out: &next };
            matvec(&mut plan, "matvec", operands, &Epilogue::bias(&bias))?;
        }
        std::mem::swap(&mut x, &mut next);
    }
    plan.finish()
}
