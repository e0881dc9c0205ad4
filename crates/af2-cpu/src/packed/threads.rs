//! Work for all cores, where there is more than one.

/// Weights that a task multiplies at least: about ten microseconds, a few times what handing it to another core takes.
const LEAST: usize = 1 << 17;

/// So that a core that other work keeps busy does not hold up the rest.
const TASKS_PER_THREAD: usize = 4;

/// Of so many weights, those of a task.
pub(super) fn per_task(weights: usize) -> usize {
    weights.div_ceil(TASKS_PER_THREAD * count()).max(LEAST)
}

/// Parts, of so many multiplications each, that make a task at least.
pub(crate) fn least_per_task(multiplications: usize) -> usize {
    (LEAST / multiplications.max(1)).max(1)
}

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
pub(crate) fn for_each_chunk(values: &mut [f32], chunk: usize, task: impl Fn(usize, &mut [f32]) + Sync) {
    use rayon::prelude::*;

    if values.len() <= chunk {
        return task(0, values);
    }
    values.par_chunks_mut(chunk).enumerate().for_each(|(index, chunk)| task(index, chunk));
}

/// Calls `task` with the number and the values of every chunk.
#[cfg(not(feature = "fast"))]
pub(crate) fn for_each_chunk(values: &mut [f32], chunk: usize, task: impl Fn(usize, &mut [f32])) {
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

/// Calls `task` with every one of `tasks`.
#[cfg(feature = "fast")]
pub(super) fn for_each<T: Send>(tasks: Vec<T>, task: impl Fn(T) + Sync + Send) {
    use rayon::prelude::*;

    tasks.into_par_iter().with_max_len(1).for_each(task);
}

/// Calls `task` with every one of `tasks`.
#[cfg(not(feature = "fast"))]
pub(super) fn for_each<T>(tasks: Vec<T>, task: impl Fn(T)) {
    tasks.into_iter().for_each(task);
}

/// Does `work` on one of the threads that share tasks, which hands them over without waking another first.
#[cfg(feature = "fast")]
pub(crate) fn inside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| work())
}

/// Does `work`.
#[cfg(not(feature = "fast"))]
pub(crate) fn inside<T>(work: impl FnOnce() -> T) -> T {
    work()
}
