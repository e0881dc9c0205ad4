//! Work for all cores, where there is more than one.

/// Weights that a task multiplies at least: about ten microseconds, a few times what handing it to another core takes.
const LEAST: usize = 1 << 17;

/// Rows of a matrix, \[rows, cols\], that a task takes.
pub(super) fn rows_per_task(rows: usize, cols: usize) -> usize {
    rows.div_ceil(TASKS_PER_THREAD * count()).max(LEAST / cols.max(1)).max(1)
}

/// So that a core that other work keeps busy does not hold up the rest.
const TASKS_PER_THREAD: usize = 4;

#[cfg(feature = "fast")]
fn count() -> usize {
    rayon::current_num_threads()
}

#[cfg(not(feature = "fast"))]
fn count() -> usize {
    1
}

/// Calls `task` with the number and the values of every chunk.
#[cfg(feature = "fast")]
pub(super) fn for_each_chunk(values: &mut [f32], chunk: usize, task: impl Fn(usize, &mut [f32]) + Sync) {
    use rayon::prelude::*;

    if values.len() <= chunk {
        return task(0, values);
    }
    values.par_chunks_mut(chunk).enumerate().for_each(|(index, chunk)| task(index, chunk));
}

/// Calls `task` with the number and the values of every chunk.
#[cfg(not(feature = "fast"))]
pub(super) fn for_each_chunk(values: &mut [f32], chunk: usize, task: impl Fn(usize, &mut [f32])) {
    values.chunks_mut(chunk).enumerate().for_each(|(index, chunk)| task(index, chunk));
}

/// What `task` makes of every number below `count`, in order.
#[cfg(feature = "fast")]
pub(super) fn map<T: Send>(count: usize, task: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
    use rayon::prelude::*;

    (0..count).into_par_iter().map(task).collect()
}

/// What `task` makes of every number below `count`, in order.
#[cfg(not(feature = "fast"))]
pub(super) fn map<T>(count: usize, task: impl Fn(usize) -> T) -> Vec<T> {
    (0..count).map(task).collect()
}
