//! Rotary positions and cache writes of the rows of a batch.

use super::blocks_of_64;
use super::matvec_qkv::Heads;
use crate::plan::params;
use crate::shader::layout;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    RopeCacheParams { rows: u32, heads: u32, kv_heads: u32, head_dim: u32 }
}

/// The buffers of [`rope_cache`].
#[derive(Debug, Clone, Copy)]
pub struct RopeCacheBuffers<'a> {
    /// Cosine and sine per position and pair, [positions, width / 2, 2].
    pub rotary: &'a Buffer,
    /// [rows, (query + 2 key_value) · width].
    pub qkv: &'a Buffer,
    /// Cache, [cache rows, 2, key_value · width].
    pub kv: &'a Buffer,
    /// [`super::BatchRow`] of every row.
    pub rows: &'a Buffer,
}

/// Rotates q in place by the position of its row, and writes the rotated k and the v of each row to its place in the cache.
///
/// # Shapes
/// As in [`RopeCacheBuffers`].
///
/// # Errors
/// The device allows no such grid.
pub fn rope_cache(
    plan: &mut PlanBuilder,
    label: &str,
    buffers: RopeCacheBuffers<'_>,
    rows: usize,
    heads: Heads,
) -> Result<(), GpuError> {
    let RopeCacheBuffers { rotary, qkv, kv, rows: places } = buffers;
    plan.dispatch(Dispatch {
        label: label.into(),
        shader: &layout::ROPE_CACHE,
        constants: &[],
        params: RopeCacheParams {
            rows: rows as u32,
            heads: heads.query as u32,
            kv_heads: heads.key_value as u32,
            head_dim: heads.width as u32,
        },
        buffers: &[("rotary", rotary), ("qkv", qkv), ("kv", kv), ("rows", places)],
        groups: blocks_of_64(rows * (heads.query + 2 * heads.key_value) * heads.width / 2),
        weight_bytes: 0,
        flops: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::attention_rows::tests::rows;
    use super::super::rope::rotary_table;
    use super::super::testing::{assert_close, gpu, random, run, upload};
    use super::*;

    #[test]
    fn rotates_and_writes_each_row_to_its_place() {
        for heads in [Heads { query: 4, key_value: 2, width: 8 }, Heads { query: 3, key_value: 1, width: 6 }] {
            let Heads { query, key_value, width } = heads;
            let frequencies: Vec<f32> =
                (0..width / 2).map(|i| 100.0_f32.powf(-2.0 * i as f32 / width as f32)).collect();
            let (stride, cached) = ((query + 2 * key_value) * width, 2 * key_value * width);
            let x = random(rows().len() * stride, 1);
            let mut q: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
            let mut kv = vec![0.0; 200 * cached];
            for (r, row) in rows().iter().enumerate() {
                let mut line = q[r * stride..(r + 1) * stride].to_vec();
                for (head, i) in (0..query + key_value).flat_map(|head| (0..width / 2).map(move |i| (head, i))) {
                    let angle = f64::from(row.position as f32 * frequencies[i]);
                    let (a, b) = (line[head * width + i], line[head * width + i + width / 2]);
                    line[head * width + i] = a * angle.cos() - b * angle.sin();
                    line[head * width + i + width / 2] = b * angle.cos() + a * angle.sin();
                }
                q[r * stride..r * stride + query * width].copy_from_slice(&line[..query * width]);
                let at = row.cache_row(row.position) as usize * cached;
                kv[at..at + cached].copy_from_slice(&line[query * width..]);
            }
            let (qkv, cache) = (upload(&x), upload(&vec![0.0_f32; 200 * cached]));
            let (rotary, places) = (upload(&rotary_table(&frequencies, 100)), upload(&rows()));
            let buffers = RopeCacheBuffers { rotary: &rotary, qkv: &qkv, kv: &cache, rows: &places };
            let found = run(&cache, |plan| rope_cache(plan, "", buffers, rows().len(), heads));
            assert_close(&format!("{heads:?} cache"), &found, &kv, 1e-12);
            let found: Vec<f32> = super::super::testing::wait(gpu().read_all(&qkv)).unwrap();
            assert_close(&format!("{heads:?} q"), &found, &q, 1e-12);
        }
    }
}
