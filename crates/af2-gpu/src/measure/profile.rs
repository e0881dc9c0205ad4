//! The GPU time of every dispatch of a plan.

use std::collections::BTreeMap;

use crate::plan::{Cost, Item};
use crate::{Gpu, GpuError, Plan};

/// One dispatch, timed.
#[derive(Debug, Clone)]
pub struct Span {
    /// Label, kernel and counted work.
    pub cost: Cost,
    /// How long it took.
    pub nanoseconds: f64,
}

/// The time and work of one kernel in one run of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelTime {
    /// Family and name.
    pub name: &'static str,
    /// Dispatches.
    pub count: usize,
    /// Time on the GPU.
    pub microseconds: f64,
    /// Bytes of weights read.
    pub weight_bytes: u64,
    /// Floating-point operations of matmuls and matvecs.
    pub flops: u64,
}

/// Timed dispatches summed by kernel, the longest first.
pub fn by_kernel(spans: &[Span]) -> Vec<KernelTime> {
    let mut kernels: BTreeMap<&'static str, KernelTime> = BTreeMap::new();
    for Span { cost, nanoseconds } in spans {
        let nothing = KernelTime { name: cost.kernel, count: 0, microseconds: 0.0, weight_bytes: 0, flops: 0 };
        let kernel = kernels.entry(cost.kernel).or_insert(nothing);
        kernel.count += 1;
        kernel.microseconds += nanoseconds / 1e3;
        kernel.weight_bytes += cost.weight_bytes;
        kernel.flops += cost.flops;
    }
    let mut kernels: Vec<KernelTime> = kernels.into_values().collect();
    kernels.sort_by(|a, b| b.microseconds.total_cmp(&a.microseconds));
    kernels
}

impl Gpu {
    /// Runs a plan with every dispatch in a pass of its own and times each on the GPU; `None` if the adapter has no timestamps. For
    /// finding slow kernels: the sum exceeds the time of an ordinary run.
    ///
    /// # Errors
    /// The timestamps could not be read back.
    pub async fn profile(&self, plan: &Plan) -> Result<Option<Vec<Span>>, GpuError> {
        if !self.info().timestamps {
            return Ok(None);
        }
        let count = 2 * plan.info().dispatches as u32;
        let queries = self.device().create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("profile"),
            ty: wgpu::QueryType::Timestamp,
            count,
        });
        let mut encoder = self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut next = 0;
        for item in plan.items() {
            if let Item::Texels(copy) = item {
                copy.encode(&mut encoder);
            }
            let Item::Dispatch { pipeline, bind_group, groups: [x, y, z], .. } = item else { continue };
            let timestamps = wgpu::ComputePassTimestampWrites {
                query_set: &queries,
                beginning_of_pass_write_index: Some(next),
                end_of_pass_write_index: Some(next + 1),
            };
            next += 2;
            let mut pass = encoder
                .begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes: Some(timestamps) });
            pass.set_pipeline(&pipeline.raw);
            pass.set_bind_group(0, bind_group, &[]);
            pass.dispatch_workgroups(*x, *y, *z);
        }
        use wgpu::BufferUsages as Usage;
        let resolved = self.buffer("timestamps", 8 * u64::from(count), Usage::QUERY_RESOLVE | Usage::COPY_SRC)?;
        encoder.resolve_query_set(&queries, 0..count, resolved.raw(), 0);
        self.queue().submit([encoder.finish()]);
        let ticks: Vec<u64> = self.read_all(&resolved).await?;
        let period = f64::from(self.queue().get_timestamp_period());
        let nanoseconds = ticks.chunks_exact(2).map(|pair| pair[1].saturating_sub(pair[0]) as f64 * period);
        let span = |(cost, nanoseconds): (&Cost, f64)| Span { cost: cost.clone(), nanoseconds };
        Ok(Some(plan.costs().zip(nanoseconds).map(span).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dispatches_add_up_by_kernel_the_longest_first() {
        let span = |kernel, nanoseconds, weight_bytes| {
            let cost = Cost { label: String::new(), kernel, weight_bytes, flops: 2 * weight_bytes };
            Span { cost, nanoseconds }
        };
        let found = by_kernel(&[span("a", 500.0, 10), span("b", 2000.0, 1), span("a", 1000.0, 20)]);
        let time = |name, count, microseconds, weight_bytes| KernelTime {
            name,
            count,
            microseconds,
            weight_bytes,
            flops: 2 * weight_bytes,
        };
        assert_eq!(found, [time("b", 1, 2.0, 1), time("a", 2, 1.5, 30)]);
    }
}
