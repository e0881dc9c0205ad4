//! Matrices that stay as a converted model stores them: y = x Wᵀ from their bytes.
//!
//! * **A few rows of x** (a decoded token): the matrix is read once, by all cores. For q4 and q8, x is rounded to 16-bit integers, whose
//!   products with the stored integers are added exactly within blocks of 32 columns.
//! * **Many rows** (the encoder, a prompt): panels of rows of W are unpacked, small enough for a cache, and multiplied with many rows. q4 and
//!   q8 in integers as before, where the CPU has vector instructions for it; the rest in float32 by the tensor library.
//!
//! # Shapes
//! x \[rows, K\], W \[N, K\], y \[rows, N\].

mod activations;
#[cfg(target_arch = "x86_64")]
mod avx2;
mod floats;
mod instructions;
mod integers;
mod lanes;
mod rows;
mod schemes;
#[cfg(test)]
mod tests;
mod threads;
mod tiles;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

use af2_core::weights::{Scheme, SchemeError};
use burn_tensor::{Tensor, TensorData};

use activations::{Activations, BLOCK};
use floats::{Float, FloatDots, FloatValues};
use integers::{Dots, Integers, Round, Values};
use schemes::{Q4, Q8};

pub(crate) use floats::dot;
pub(crate) use instructions::{Instructions, Work};
pub(crate) use lanes::Lanes;
pub(crate) use rows::Epilogue;
pub(crate) use threads::{for_each_chunk, inside, least_per_task};

/// Most rows of x for which W is not unpacked to float32: above, unpacking costs less than it saves.
pub(crate) const FEW: usize = 8;

/// Values of a panel: 1 MiB of float32.
const PANEL: usize = 1 << 18;

/// A matrix in the bytes of a converted model.
pub(crate) struct PackedMatrix {
    /// N.
    rows: usize,
    /// K.
    cols: usize,
    stored: Stored,
    /// Whether many rows are multiplied in integers, if the scheme has them.
    integers: bool,
}

enum Stored {
    F32(Vec<u8>),
    F16(Vec<u8>),
    Q8 { codes: Vec<u8>, scales: Vec<f32> },
    Q4 { codes: Vec<u8>, scales: Vec<u8> },
}

impl PackedMatrix {
    /// From stored bytes, which it keeps.
    ///
    /// # Errors
    /// They are not as long as the shape asks for.
    pub fn new(scheme: Scheme, [rows, cols]: [usize; 2], data: Vec<u8>, scales: Vec<u8>) -> Result<Self, SchemeError> {
        scheme.check(rows, cols, &data, &scales)?;
        let stored = match scheme {
            Scheme::F32 => Stored::F32(data),
            Scheme::F16 => Stored::F16(data),
            Scheme::Q8 => Stored::Q8 { codes: data, scales: halves(&scales) },
            Scheme::Q4 => Stored::Q4 { codes: data, scales },
        };
        Ok(Self { rows, cols, stored, integers: true })
    }

    /// The same matrix, with which many rows are multiplied in float32.
    pub fn in_float32(self) -> Self {
        Self { integers: false, ..self }
    }

    /// x Wᵀ, [.., N], of x, [.., K].
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let mut shape = x.dims();
        let count = shape[..D - 1].iter().product();
        shape[D - 1] = self.rows;
        if count > FEW && !self.tiles() {
            return self.many(x.reshape([count, self.cols])).reshape(shape);
        }
        let device = x.device();
        let x = numbers(x);
        let y = if count > FEW { self.tiled(&x, count) } else { multiply([self], &x, count).concat() };
        Tensor::from_data(TensorData::new(y, shape), &device)
    }

    /// y, [count, N], of x, [count, K], in integers.
    fn tiled(&self, x: &[f32], count: usize) -> Vec<f32> {
        let mut y = vec![0.0; count * self.rows];
        let rows = self.rows(count, |row, values| values.copy_from_slice(&x[row * self.cols..][..self.cols]));
        self.multiply_rows(&rows, y.chunks_exact_mut(self.rows), Epilogue::default());
        y
    }

    /// Rows of W by number, [ids, K].
    pub fn select(&self, ids: &[u32]) -> Vec<f32> {
        let mut values = vec![0.0; ids.len() * self.cols];
        for (id, values) in ids.iter().zip(values.chunks_exact_mut(self.cols)) {
            self.unpack(Instructions::found(), *id as usize, values);
        }
        values
    }

    /// K.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// x, [count, K], as this matrix is multiplied with it.
    fn prepare<'a>(&self, with: Instructions, x: &'a [f32]) -> Prepared<'a> {
        let rounded = |order| Prepared::Rounded(with.run(Round { x, cols: self.cols, order }));
        match &self.stored {
            Stored::F32(_) | Stored::F16(_) => Prepared::Exact(x),
            Stored::Q8 { .. } => rounded(Q8::ORDER),
            Stored::Q4 { .. } => rounded(Q4::ORDER),
        }
    }

    /// Products of the rows of W from `first` on: `y` is [rows of W, count].
    fn dots(&self, with: Instructions, x: &Prepared<'_>, first: usize, y: &mut [f32]) {
        match (&self.stored, x) {
            (Stored::F32(data), Prepared::Exact(x)) => {
                self.float_dots::<[u8; 4]>(with, data.as_chunks().0, x, first, y)
            }
            (Stored::F16(data), Prepared::Exact(x)) => {
                self.float_dots::<[u8; 2]>(with, data.as_chunks().0, x, first, y)
            }
            (Stored::Q8 { codes, scales }, Prepared::Rounded(x)) => {
                with.run(Dots { matrix: self.q8(codes, scales), first, x, y });
            }
            (Stored::Q4 { codes, scales }, Prepared::Rounded(x)) => {
                with.run(Dots { matrix: self.q4(codes, scales), first, x, y });
            }
            _ => y.fill(f32::NAN), // x was prepared for a matrix of another scheme
        }
    }

    fn float_dots<F: Float>(&self, with: Instructions, matrix: &[F], x: &[f32], first: usize, y: &mut [f32]) {
        with.run(FloatDots { matrix: &matrix[first * self.cols..], cols: self.cols, x, y });
    }

    /// y, [count, N], of x, [count, K], by panels of W in float32.
    fn many(&self, x: Tensor<2>) -> Tensor<2> {
        let panel = (PANEL / self.cols.max(1)).max(BLOCK);
        let panels = threads::map(self.rows.div_ceil(panel), |index| {
            let first = index * panel;
            let rows = panel.min(self.rows - first);
            let mut values = vec![0.0; rows * self.cols];
            self.unpack(Instructions::found(), first, &mut values);
            let values = Tensor::<2>::from_data(TensorData::new(values, [rows, self.cols]), &x.device());
            x.clone().matmul(values.transpose())
        });
        Tensor::cat(panels, 1)
    }

    /// The values of whole rows from `first` on, exactly those of [`Scheme::unpack`].
    fn unpack(&self, with: Instructions, first: usize, values: &mut [f32]) {
        let cols = self.cols;
        match &self.stored {
            Stored::F32(data) => {
                with.run(FloatValues { matrix: &data.as_chunks::<4>().0[first * cols..], values });
            }
            Stored::F16(data) => {
                with.run(FloatValues { matrix: &data.as_chunks::<2>().0[first * cols..], values });
            }
            Stored::Q8 { codes, scales } => {
                with.run(Values { matrix: self.q8(codes, scales), first, cols, values });
            }
            Stored::Q4 { codes, scales } => {
                with.run(Values { matrix: self.q4(codes, scales), first, cols, values });
            }
        }
    }

    fn q8<'a>(&self, codes: &'a [u8], scales: &'a [f32]) -> Q8<'a> {
        Q8 { codes: codes.as_chunks().0.as_chunks().0, scales, blocks: self.cols / BLOCK }
    }

    fn q4<'a>(&self, codes: &'a [u8], scales: &'a [u8]) -> Q4<'a> {
        let scale_bytes = scales.len() / self.rows.max(1);
        Q4 { codes: codes.as_chunks().0, scales, blocks: self.cols / BLOCK, scale_bytes }
    }
}

/// Rows of x as a matrix is multiplied with them.
enum Prepared<'a> {
    /// By a matrix of floating-point numbers.
    Exact(&'a [f32]),
    /// By a matrix of integers.
    Rounded(Vec<Activations>),
}

/// y, [count, N] of each matrix, of the same x, [count, K]: one round of tasks for all.
pub(crate) fn multiply<const M: usize>(matrices: [&PackedMatrix; M], x: &[f32], count: usize) -> [Vec<f32>; M] {
    multiply_with(Instructions::found(), matrices, x, count)
}

/// Rows of a matrix that a core multiplies.
struct Task<'a> {
    matrix: &'a PackedMatrix,
    x: &'a Prepared<'a>,
    first: usize,
    y: &'a mut [f32],
}

fn multiply_with<const M: usize>(
    with: Instructions,
    matrices: [&PackedMatrix; M],
    x: &[f32],
    count: usize,
) -> [Vec<f32>; M] {
    let prepared = matrices.map(|matrix| matrix.prepare(with, x));
    let mut results = matrices.map(|matrix| vec![0.0; matrix.rows * count]);
    let weights = threads::per_task(matrices.iter().map(|matrix| matrix.rows * matrix.cols).sum());
    let mut tasks = Vec::new();
    for ((matrix, x), y) in matrices.into_iter().zip(&prepared).zip(&mut results) {
        let rows = (weights / matrix.cols.max(1)).max(1);
        let parts = y.chunks_mut(rows * count.max(1)).enumerate();
        tasks.extend(parts.map(|(index, y)| Task { matrix, x, first: index * rows, y }));
    }
    threads::for_each(tasks, |task| task.matrix.dots(with, task.x, task.first, task.y));
    for (y, matrix) in results.iter_mut().zip(matrices).filter(|_| count > 1) {
        *y = transposed(y, matrix.rows, count);
    }
    results
}

/// The values of a tensor, row-major.
pub(crate) fn numbers<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    let data = x.into_data();
    data.as_slice().map_or_else(|_| data.iter().collect(), <[f32]>::to_vec)
}

/// Numbers of half precision.
fn halves(stored: &[u8]) -> Vec<f32> {
    let matrix = stored.as_chunks::<2>().0;
    let mut values = vec![0.0; matrix.len()];
    Instructions::found().run(FloatValues { matrix, values: &mut values });
    values
}

/// [N, count] to [count, N].
fn transposed(by_row: &[f32], rows: usize, count: usize) -> Vec<f32> {
    (0..count).flat_map(|x| (0..rows).map(move |row| by_row[row * count + x])).collect()
}
