//! What the matmuls have in common: their operands, and how the kernels of software adapters divide the results.

use crate::{Buffer, Matrix};

/// Threads of a workgroup.
const LANES: usize = 8;

/// The operands of [`super::matmul::matmul`].
#[derive(Debug, Clone, Copy)]
pub struct Matmul<'a> {
    /// [rows, K].
    pub x: &'a Buffer,
    /// [N, K].
    pub w: &'a Matrix,
    /// [rows, N].
    pub out: &'a Buffer,
    /// Rows of `x` and `out`.
    pub rows: usize,
}

/// Activations in fewer bits, each value times a scale. The buffers are the plan's: the next op that rounds writes them again.
#[derive(Debug, Clone)]
pub struct Rounded {
    /// [rows, K]: float16, or int8 codes.
    pub values: Buffer,
    /// Float32: [rows] for float16, [rows, K/32] for int8.
    pub scales: Buffer,
}

/// Threads side by side along the outputs, of 8 that each compute a block of rows and columns, and their workgroups: the fewest.
pub(super) fn lanes(block: [usize; 2], rows: usize, outputs: usize) -> (usize, usize) {
    let groups = |along_n: usize| rows.div_ceil(block[0] * LANES / along_n) * outputs.div_ceil(block[1] * along_n);
    let along_n = [8, 4, 2, 1].into_iter().min_by_key(|along_n| groups(*along_n)).unwrap_or(LANES);
    (along_n, groups(along_n))
}
