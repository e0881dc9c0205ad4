//! Many rows of activations, and their products with a matrix of integers by all cores.

use super::activations::{Activations, Order};
use super::instructions::{Instructions, Work};
use super::integers::Integers;
use super::lanes::Lanes;
use super::schemes::{Q4, Q8};
use super::tiles::Panel;
use super::{PackedMatrix, Stored, threads};

/// Rows of x of a task, which read the same panel of W: unpacking it is a hundredth of the work.
const TOGETHER: usize = 256;

/// Rows of W of a panel.
const PANEL_ROWS: usize = 64;

/// Rows that are made and rounded by a task at least.
const ROUNDED: usize = 16;

/// Rows of x as a matrix of integers is multiplied with them.
pub(crate) struct Rows(Vec<Activations>);

/// What y = x Wᵀ becomes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Epilogue<'a> {
    /// b of every row, \[N\].
    pub bias: Option<&'a [f32]>,
    /// Whether the result is added to what y has.
    pub add: bool,
    /// What is done to all of y at last.
    pub map: Option<fn(&mut [f32])>,
}

/// A part of y: every row of x in some columns.
struct Task<'x, 'y> {
    x: &'x [Activations],
    first: usize,
    y: Vec<&'y mut [f32]>,
}

impl PackedMatrix {
    /// Whether many rows are multiplied by [`PackedMatrix::multiply_rows`] here.
    pub fn tiles(&self) -> bool {
        self.integers && Instructions::found().tile() && self.order().is_some()
    }

    /// Columns of a block as its integers stand; none of floating-point numbers.
    fn order(&self) -> Option<Order> {
        match self.stored {
            Stored::F32(_) | Stored::F16(_) => None,
            Stored::Q8 { .. } => Some(Q8::ORDER),
            Stored::Q4 { .. } => Some(Q4::ORDER),
        }
    }

    /// Rows for this matrix, as many as `count`: `write` writes the row with a number to K zeros.
    pub fn rows(&self, count: usize, write: impl Fn(usize, &mut [f32]) + Sync + Send) -> Rows {
        self.rows_with(Instructions::found(), count, write)
    }

    pub(super) fn rows_with(
        &self,
        with: Instructions,
        count: usize,
        write: impl Fn(usize, &mut [f32]) + Sync + Send,
    ) -> Rows {
        let order = self.order().unwrap_or(Order::Columns);
        let parts = threads::map(count.div_ceil(ROUNDED), |part| {
            let rows = part * ROUNDED..count.min((part + 1) * ROUNDED);
            let mut x = vec![0.0; self.cols];
            let round = |row| {
                x.fill(0.0);
                write(row, &mut x);
                with.run(RoundRow { x: &x, order })
            };
            rows.map(round).collect::<Vec<_>>()
        });
        Rows(parts.into_iter().flatten().collect())
    }

    /// y, [.., N] for each row of x, is x Wᵀ with the epilogue. Of a matrix of floating-point numbers it is NaN.
    pub fn multiply_rows<'y>(&self, x: &Rows, y: impl Iterator<Item = &'y mut [f32]>, epilogue: Epilogue<'_>) {
        self.multiply_rows_with(Instructions::found(), x, y, epilogue);
    }

    pub(super) fn multiply_rows_with<'y>(
        &self,
        with: Instructions,
        x: &Rows,
        y: impl Iterator<Item = &'y mut [f32]>,
        epilogue: Epilogue<'_>,
    ) {
        let panels = self.rows.div_ceil(PANEL_ROWS);
        let task = |x, panel| Task { x, first: panel * PANEL_ROWS, y: Vec::with_capacity(TOGETHER) };
        let mut tasks: Vec<Task<'_, 'y>> =
            x.0.chunks(TOGETHER).flat_map(|x| (0..panels).map(move |panel| task(x, panel))).collect();
        for (index, row) in y.enumerate() {
            let parts = tasks[index / TOGETHER * panels..].iter_mut();
            parts.zip(row.chunks_mut(PANEL_ROWS)).for_each(|(task, part)| task.y.push(part));
        }
        threads::for_each(tasks, |task| self.multiply_panel(with, task, epilogue));
    }

    fn multiply_panel(&self, with: Instructions, Task { x, first, mut y }: Task<'_, '_>, epilogue: Epilogue<'_>) {
        for y in &mut y {
            let bias = epilogue.bias.map(|bias| &bias[first..][..y.len()]);
            match (bias, epilogue.add) {
                (Some(bias), true) => y.iter_mut().zip(bias).for_each(|(y, bias)| *y += bias),
                (Some(bias), false) => y.copy_from_slice(bias),
                (None, true) => {}
                (None, false) => y.fill(0.0),
            }
        }
        match &self.stored {
            Stored::Q8 { codes, scales } => {
                with.run(Panel { matrix: self.q8(codes, scales), first, x, y: &mut y });
            }
            Stored::Q4 { codes, scales } => {
                with.run(Panel { matrix: self.q4(codes, scales), first, x, y: &mut y });
            }
            Stored::F32(_) | Stored::F16(_) => y.iter_mut().for_each(|y| y.fill(f32::NAN)),
        }
        if let Some(map) = epilogue.map {
            y.into_iter().for_each(map);
        }
    }
}

struct RoundRow<'a> {
    x: &'a [f32],
    order: Order,
}

impl Work for RoundRow<'_> {
    type Output = Activations;

    #[inline(always)]
    fn with<L: Lanes>(self, lanes: L) -> Activations {
        Activations::of(lanes, self.x, self.order)
    }
}
