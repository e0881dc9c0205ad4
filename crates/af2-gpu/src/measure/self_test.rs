//! A quick check that device and driver compute correctly: the heaviest kernels compared with plain loops.

use af2_core::weights::Scheme;

use crate::ops::attention::{self, AttentionBuffers, AttentionShape};
use crate::ops::matmul::{self, Matmul, matmul};
use crate::ops::window_attention::{self, Grid, window_attention};
use crate::ops::{Epilogue, Step};
use crate::{Buffer, Gpu, GpuError, MatmulKernel, Matrix, PlanBuilder};

/// Largest normalised mean square error that passes.
const LIMIT: f64 = 1e-9;
/// The same of a matmul that rounds its operands to float16.
const HALF_LIMIT: f64 = 1e-6;
/// The same of one that rounds its activations to int8.
const INT8_LIMIT: f64 = 1e-4;

/// The outcome of one check.
#[derive(Debug, Clone, PartialEq)]
pub struct SelfTest {
    /// What was checked.
    pub name: String,
    /// Normalised mean square error relative to the plain loop.
    pub error: f64,
    /// Whether the error is small enough.
    pub passed: bool,
}

impl Gpu {
    /// Runs the checks.
    ///
    /// # Errors
    /// The device failed. Wrong results are not an error: see [`SelfTest::passed`].
    pub async fn self_test(&self) -> Result<Vec<SelfTest>, GpuError> {
        let mut results = Vec::new();
        for scheme in [Scheme::F32, Scheme::F16, Scheme::Q8, Scheme::Q4] {
            results.push(self.test_matmul(scheme).await?);
        }
        results.push(self.test_window_attention().await?);
        results.push(self.test_attention().await?);
        Ok(results)
    }

    /// Whether the matmul kernel in use exists for this device and computes correctly: an older browser has no `dot4I8Packed`.
    ///
    /// # Errors
    /// The device failed.
    pub(crate) async fn matmul_works(&self) -> Result<bool, GpuError> {
        for scheme in [Scheme::F16, Scheme::Q8, Scheme::Q4] {
            match self.test_matmul(scheme).await {
                Ok(SelfTest { passed: true, .. }) => {}
                Ok(_) | Err(GpuError::Validation(_) | GpuError::BadDispatch { .. }) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    async fn test_matmul(&self, scheme: Scheme) -> Result<SelfTest, GpuError> {
        let (rows, outputs, cols) = (65, 72, 96); // more rows than the kernels for few
        let (x, w) = (random(rows * cols, 1), random(outputs * cols, 2));
        let bad = |problem: af2_core::weights::SchemeError| GpuError::BadMatrix {
            name: "self-test".into(),
            problem: problem.to_string(),
        };
        let packed = scheme.pack(outputs, cols, &w).map_err(bad)?;
        let stored = scheme.unpack(outputs, cols, &packed.data, &packed.scales).map_err(bad)?;
        let matrix = Matrix::from_f32(self, "self-test", scheme, outputs, cols, &w)?;
        let (input, out) = (self.storage_with("x", &x)?, self.storage("out", (4 * rows * outputs) as u64)?);
        let buffers = Matmul { x: &input, w: &matrix, out: &out, rows };
        let found = self.compute(&out, |plan| matmul(plan, "", buffers, &Epilogue::default())).await?;
        let limit = match self.tuning().matmul {
            MatmulKernel::Half | MatmulKernel::Cooperative => HALF_LIMIT,
            MatmulKernel::Int8 => INT8_LIMIT,
            _ => LIMIT,
        };
        Ok(check(format!("matmul {scheme:?}"), &found, &matmul::twin(&x, &stored, rows, outputs, cols), limit))
    }

    async fn test_window_attention(&self) -> Result<SelfTest, GpuError> {
        let grid = Grid { images: 1, side: 16, channels: 32, heads: 2, shift: 4 };
        let (qkv, table) = (random(256 * 96, 1), random(225 * 2, 2));
        let (input, bias) = (self.storage_with("qkv", &qkv)?, self.storage_with("table", &table)?);
        let out = self.storage("out", 4 * 256 * 32)?;
        let found = self.compute(&out, |plan| window_attention(plan, "", &input, &bias, &out, grid)).await?;
        Ok(check("window attention".into(), &found, &window_attention::twin(&qkv, &table, grid), LIMIT))
    }

    async fn test_attention(&self) -> Result<SelfTest, GpuError> {
        let (rows, width) = (20, 64);
        let shape = AttentionShape::separate(2, 2, 32, 70);
        let (q, kv) = (random(rows * width, 1), random(70 * 2 * width, 2));
        let (queries, keys) = (self.storage_with("q", &q)?, self.storage_with("kv", &kv)?);
        let (out, step) = (self.storage("out", (4 * rows * width) as u64)?, Step::buffer(self)?);
        let buffers = AttentionBuffers { q: &queries, kv: &keys, out: &out, step: &step };
        let found = self.compute(&out, |plan| attention::attention(plan, "", buffers, rows, shape)).await?;
        Ok(check("attention".into(), &found, &attention::twin(&q, &kv, rows, shape, 0, 0), LIMIT))
    }

    async fn compute(
        &self,
        out: &Buffer,
        build: impl FnOnce(&mut PlanBuilder) -> Result<(), GpuError>,
    ) -> Result<Vec<f32>, GpuError> {
        let mut plan = PlanBuilder::new(self, "self-test", None);
        let plan = self
            .scoped("the self-test", || {
                build(&mut plan)?;
                plan.finish()
            })
            .await?;
        self.run(&[&plan]);
        self.read_all(out).await
    }
}

fn check(name: String, found: &[f32], expected: &[f64], limit: f64) -> SelfTest {
    let error = normalised_error(found, expected);
    SelfTest { name, error, passed: error <= limit }
}

/// Σ (a − b)² / Σ b².
pub(crate) fn normalised_error(found: &[f32], expected: &[f64]) -> f64 {
    let power: f64 = expected.iter().map(|b| b * b).sum();
    let error: f64 = found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum();
    error / power.max(1e-30)
}

/// Repeatable numbers in −1..1 (xorshift).
pub(crate) fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}
