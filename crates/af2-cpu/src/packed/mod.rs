//! Matrices that stay as a converted model stores them: y = x Wᵀ from their bytes.
//!
//! * **A few rows of x** (a decoded token): the matrix is read once, by all cores. For q4 and q8, x is rounded to 16-bit integers, whose
//!   products with the stored integers are added exactly within blocks of 32 columns.
//! * **Many rows** (the encoder, a prompt): panels of rows of W are unpacked to float32, small enough for a cache, and multiplied by the
//!   tensor library.
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
mod schemes;
#[cfg(test)]
mod tests;
mod threads;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;

use af2_core::weights::{Scheme, SchemeError};
use burn_tensor::{Tensor, TensorData};

use activations::BLOCK;
use floats::{Float, FloatDots, FloatValues};
use instructions::Instructions;
use integers::{Dots, Integers, Round, Values};
use schemes::{Q4, Q8};

/// Most rows of x for which W is not unpacked to float32: above, unpacking costs less than it saves.
const FEW: usize = 8;

/// Values of a panel: 1 MiB of float32.
const PANEL: usize = 1 << 18;

/// A matrix in the bytes of a converted model.
pub(crate) struct PackedMatrix {
    /// N.
    rows: usize,
    /// K.
    cols: usize,
    stored: Stored,
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
        Ok(Self { rows, cols, stored })
    }

    /// x Wᵀ, [.., N], of x, [.., K].
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let mut shape = x.dims();
        let count = shape[..D - 1].iter().product();
        shape[D - 1] = self.rows;
        if count > FEW {
            return self.many(x.reshape([count, self.cols])).reshape(shape);
        }
        let device = x.device();
        let x: Vec<f32> = x.into_data().iter().collect();
        Tensor::from_data(TensorData::new(self.few(Instructions::found(), &x, count), shape), &device)
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

    /// y, [count, N], of x, [count, K], row by row of W.
    fn few(&self, with: Instructions, x: &[f32], count: usize) -> Vec<f32> {
        let by_row = match &self.stored {
            Stored::F32(data) => self.float_dots::<[u8; 4]>(with, data.as_chunks().0, x, count),
            Stored::F16(data) => self.float_dots::<[u8; 2]>(with, data.as_chunks().0, x, count),
            Stored::Q8 { codes, scales } => self.dots(with, self.q8(codes, scales), x, count),
            Stored::Q4 { codes, scales } => self.dots(with, self.q4(codes, scales), x, count),
        };
        if count == 1 { by_row } else { transposed(&by_row, self.rows, count) }
    }

    fn dots<I: Integers>(&self, with: Instructions, matrix: I, x: &[f32], count: usize) -> Vec<f32> {
        let x = with.run(Round { x, cols: self.cols, order: I::ORDER });
        self.by_row(count, |first, y| with.run(Dots { matrix, first, x: &x, y }))
    }

    fn float_dots<F: Float>(&self, with: Instructions, matrix: &[F], x: &[f32], count: usize) -> Vec<f32> {
        let cols = self.cols;
        self.by_row(count, |first, y| with.run(FloatDots { matrix: &matrix[first * cols..], cols, x, y }))
    }

    /// y, [N, count]: `dots` computes some rows, from a first one on.
    fn by_row(&self, count: usize, dots: impl Fn(usize, &mut [f32]) + Sync) -> Vec<f32> {
        let mut y = vec![0.0; self.rows * count];
        let rows = threads::rows_per_task(self.rows, self.cols);
        threads::for_each_chunk(&mut y, rows * count, |index, y| dots(index * rows, y));
        y
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
