//! The most likely tokens and their log-probabilities.

use crate::plan::params;
use crate::shader::sample;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    TopLogprobsParams { vocab: u32, count: u32 }
}

/// Bytes of an entry of the result: id as u32, log-probability as f32.
pub const TOP_ENTRY_BYTES: u64 = 8;

/// The `count` most likely tokens with their log-probabilities, most likely first, the smaller id first on ties.
///
/// # Shapes
/// `logits` \[vocab\] padded to whole quads, `top` \[count\] entries of [`TOP_ENTRY_BYTES`].
///
/// # Errors
/// The device allows no such grid.
pub fn top_logprobs(
    plan: &mut PlanBuilder,
    logits: &Buffer,
    top: &Buffer,
    vocab: usize,
    count: usize,
) -> Result<(), GpuError> {
    plan.dispatch(Dispatch {
        label: "top logprobs".into(),
        shader: &sample::TOP_LOGPROBS,
        constants: &[],
        params: TopLogprobsParams { vocab: vocab as u32, count: count as u32 },
        buffers: &[("logits", logits), ("top", top)],
        groups: [1, 1, 1],
        weight_bytes: 0,
        flops: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{gpu, quads, random, run, upload, wait};
    use super::*;

    #[test]
    fn ranked_as_on_the_host() {
        for (vocab, count) in [(1, 1), (609, 20), (9_001, 5)] {
            let mut logits: Vec<f32> = random(vocab, 1).iter().map(|v| v * 6.0).collect();
            if vocab > 600 {
                [9, 8, 300, 608].iter().for_each(|tie| logits[*tie] = 5.5);
            }
            let top = gpu().storage("top", TOP_ENTRY_BYTES * count as u64).unwrap();
            run(&top, |plan| top_logprobs(plan, &upload(&quads(&logits)), &top, vocab, count));
            let found: Vec<[u32; 2]> = wait(gpu().read_all(&top)).unwrap();
            let expected = af2_core::engine::top_logprobs(&logits, count);
            assert_eq!(found.len(), expected.len());
            for ([id, logprob], expected) in found.iter().zip(expected) {
                assert_eq!(*id, expected.id, "{vocab}");
                assert!((f32::from_bits(*logprob) - expected.logprob).abs() < 3e-6, "{vocab}");
            }
        }
    }
}
