//! Weight matrices on the GPU: one or several buffers, each small enough for a binding.

use af2_core::weights::Scheme;

use crate::{Buffer, Gpu, GpuError, MatrixShape};

/// How the tensors that share a matrix are laid out in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stacking {
    /// One after another: rows of the first, then of the second, …
    Stacked,
    /// Every part holds the same rows of each tensor, stacked; so that gate and up rows of an output stay together.
    Paired,
}

/// A run of rows of one source tensor and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Which of the source tensors.
    pub tensor: usize,
    /// First row in that tensor.
    pub first_row: usize,
    /// Number of rows.
    pub rows: usize,
    /// Which part of the matrix.
    pub part: usize,
    /// First row in that part.
    pub part_row: usize,
}

/// Consecutive rows of a matrix in one buffer.
#[derive(Debug, Clone)]
pub struct MatrixPart {
    /// First output (of each tensor, when paired).
    pub first_output: usize,
    /// Outputs (of each tensor, when paired).
    pub outputs: usize,
    /// Rows stored here.
    pub rows: usize,
    /// Packed values, as [`Scheme`] lays them out.
    pub data: Buffer,
    /// Scales, as [`Scheme`] lays them out; an empty buffer where it has none.
    pub scales: Buffer,
}

/// A weight matrix `[rows, cols]` (outputs × inputs), row-major, packed.
#[derive(Debug, Clone)]
pub struct Matrix {
    /// Name for labels and errors.
    pub name: String,
    /// How elements are stored.
    pub scheme: Scheme,
    /// Outputs N.
    pub rows: usize,
    /// Inputs K.
    pub cols: usize,
    /// The parts, in order of rows.
    pub parts: Vec<MatrixPart>,
}

/// Rows are split at multiples of this, so that scales stay aligned to words and workgroups stay full.
const ROW_BLOCK: usize = 32;

impl Matrix {
    /// Allocates a matrix for tensors of `tensor_rows` rows each. The placements say where each run of rows goes.
    ///
    /// # Errors
    /// The columns do not fit the kernels or the scheme, or even one block of rows is larger than a binding may be.
    pub fn allocate(
        gpu: &Gpu,
        name: &str,
        scheme: Scheme,
        cols: usize,
        tensor_rows: &[usize],
        stacking: Stacking,
    ) -> Result<(Self, Vec<Placement>), GpuError> {
        let bad = |problem: String| GpuError::BadMatrix { name: name.into(), problem };
        if cols == 0 || !cols.is_multiple_of(4) || !scheme.fits(cols) {
            return Err(bad(format!(
                "{cols} columns do not fit {scheme:?}; the kernels need a multiple of 4, q8 and q4 of 32"
            )));
        }
        let groups_even = tensor_rows.iter().all(|rows| scheme.scale_bytes(*rows, cols).is_multiple_of(4));
        if tensor_rows.len() > 1 && !groups_even {
            return Err(bad("tensors that share a matrix need an even number of scales each".into()));
        }
        // Element indices are u32 in the kernels: a part stays below 1 GiB even where bindings may be larger.
        let largest = gpu.max_binding_bytes().min(1 << 30);
        let row_bytes = scheme.data_bytes(1, cols);
        let most_rows = (largest / row_bytes) as usize / ROW_BLOCK * ROW_BLOCK;
        let layout = match stacking {
            Stacking::Stacked => stacked(tensor_rows, most_rows),
            Stacking::Paired => paired(tensor_rows, most_rows / ROW_BLOCK / tensor_rows.len().max(1) * ROW_BLOCK),
        };
        let (shapes, placements) = layout.ok_or_else(|| GpuError::BufferTooLarge {
            label: name.into(),
            needed: row_bytes * (ROW_BLOCK * tensor_rows.len()) as u64,
            allowed: largest,
        })?;
        let parts = shapes.into_iter().map(|shape| allocate_part(gpu, name, scheme, cols, shape));
        let parts = parts.collect::<Result<_, _>>()?;
        Ok((Self { name: name.into(), scheme, rows: tensor_rows.iter().sum(), cols, parts }, placements))
    }

    /// Packs and uploads a float32 matrix; for tests and self-tests.
    ///
    /// # Errors
    /// As [`Matrix::allocate`], or the values do not fit the scheme.
    pub fn from_f32(
        gpu: &Gpu,
        name: &str,
        scheme: Scheme,
        rows: usize,
        cols: usize,
        values: &[f32],
    ) -> Result<Self, GpuError> {
        let (matrix, placements) = Self::allocate(gpu, name, scheme, cols, &[rows], Stacking::Stacked)?;
        for place in &placements {
            let block = &values[place.first_row * cols..(place.first_row + place.rows) * cols];
            let packed = scheme
                .pack(place.rows, cols, block)
                .map_err(|error| GpuError::BadMatrix { name: name.into(), problem: error.to_string() })?;
            let part = &matrix.parts[place.part];
            gpu.write(&part.data, 0, &packed.data);
            gpu.write(&part.scales, 0, &packed.scales);
        }
        Ok(matrix)
    }

    /// Bytes of packed values and scales.
    pub fn bytes(&self) -> u64 {
        self.scheme.data_bytes(self.rows, self.cols) + self.scheme.scale_bytes(self.rows, self.cols)
    }

    /// The parts as dispatches read them; `paired` if every result is made of two rows.
    pub fn part_shapes(&self, paired: bool) -> impl Iterator<Item = MatrixShape> {
        self.parts.iter().map(move |part| self.part_shape(part, paired))
    }

    /// A part as one dispatch reads it.
    pub(crate) fn part_shape(&self, part: &MatrixPart, paired: bool) -> MatrixShape {
        MatrixShape { rows: part.rows, cols: self.cols, scheme: self.scheme, paired }
    }

    /// Bytes that one part reads.
    pub(crate) fn part_bytes(&self, part: &MatrixPart) -> u64 {
        self.scheme.data_bytes(part.rows, self.cols) + self.scheme.scale_bytes(part.rows, self.cols)
    }
}

struct PartShape {
    first_output: usize,
    outputs: usize,
    rows: usize,
}

type Layout = (Vec<PartShape>, Vec<Placement>);

fn stacked(tensor_rows: &[usize], most_rows: usize) -> Option<Layout> {
    let total: usize = tensor_rows.iter().sum();
    if most_rows == 0 {
        return None;
    }
    let mut shapes = Vec::new();
    for first_output in (0..total).step_by(most_rows) {
        let rows = most_rows.min(total - first_output);
        shapes.push(PartShape { first_output, outputs: rows, rows });
    }
    let mut placements = Vec::new();
    let mut row = 0;
    for (tensor, rows) in tensor_rows.iter().enumerate() {
        let mut first_row = 0;
        while first_row < *rows {
            let (part, part_row) = (row / most_rows, row % most_rows);
            let run = (rows - first_row).min(most_rows - part_row);
            placements.push(Placement { tensor, first_row, rows: run, part, part_row });
            first_row += run;
            row += run;
        }
    }
    Some((shapes, placements))
}

fn paired(tensor_rows: &[usize], most_outputs: usize) -> Option<Layout> {
    let total = *tensor_rows.first()?;
    if most_outputs == 0 || tensor_rows.iter().any(|rows| *rows != total) {
        return None;
    }
    let (mut shapes, mut placements) = (Vec::new(), Vec::new());
    for (part, first_row) in (0..total).step_by(most_outputs).enumerate() {
        let rows = most_outputs.min(total - first_row);
        shapes.push(PartShape { first_output: first_row, outputs: rows, rows: rows * tensor_rows.len() });
        for tensor in 0..tensor_rows.len() {
            placements.push(Placement { tensor, first_row, rows, part, part_row: tensor * rows });
        }
    }
    Some((shapes, placements))
}

fn allocate_part(gpu: &Gpu, name: &str, scheme: Scheme, cols: usize, shape: PartShape) -> Result<MatrixPart, GpuError> {
    let data = gpu.storage(name, scheme.data_bytes(shape.rows, cols))?;
    let scales = match scheme.scale_bytes(shape.rows, cols) {
        0 => gpu.empty().clone(),
        bytes => gpu.storage(name, bytes)?,
    };
    let PartShape { first_output, outputs, rows } = shape;
    Ok(MatrixPart { first_output, outputs, rows, data, scales })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(layout: &Layout, tensor_rows: &[usize]) {
        let mut stored = vec![Vec::new(); layout.0.len()];
        for place in &layout.1 {
            assert!(place.first_row + place.rows <= tensor_rows[place.tensor]);
            stored[place.part].extend(place.part_row..place.part_row + place.rows);
        }
        for (shape, mut rows) in layout.0.iter().zip(stored) {
            rows.sort_unstable();
            assert_eq!(rows, (0..shape.rows).collect::<Vec<_>>(), "every row of a part is filled once");
        }
        assert_eq!(layout.1.iter().map(|place| place.rows).sum::<usize>(), tensor_rows.iter().sum::<usize>());
    }

    #[test]
    fn every_row_is_placed_once() {
        for rows in [&[7][..], &[64, 32, 32], &[609], &[100, 3]] {
            for most in [32, 64, 1024] {
                covers(&stacked(rows, most).unwrap(), rows);
            }
        }
        covers(&paired(&[352, 352], 96).unwrap(), &[352, 352]);
        covers(&paired(&[352, 352], 4096).unwrap(), &[352, 352]);
    }

    #[test]
    fn nothing_fits_in_a_tiny_binding() {
        assert!(stacked(&[7], 0).is_none());
        assert!(paired(&[7, 7], 0).is_none());
    }

    #[test]
    fn what_the_device_cannot_hold_is_refused_by_name() {
        use crate::ops::testing::gpu;
        let too_wide = Matrix::allocate(gpu(), "wide", Scheme::F32, 1 << 30, &[1], Stacking::Stacked);
        assert!(matches!(too_wide, Err(GpuError::BufferTooLarge { ref label, .. }) if label == "wide"), "{too_wide:?}");
        let odd = Matrix::allocate(gpu(), "odd", Scheme::Q4, 40, &[8], Stacking::Stacked);
        assert!(matches!(odd, Err(GpuError::BadMatrix { ref name, .. }) if name == "odd"), "{odd:?}");
        let buffer = gpu().storage("huge", gpu().max_binding_bytes() + 4);
        assert!(matches!(buffer, Err(GpuError::BufferTooLarge { .. })), "{buffer:?}");
    }
}
