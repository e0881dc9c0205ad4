//! Greedy decoding: the token of the largest logit.

use crate::plan::params;
use crate::shader::sample;
use crate::{Buffer, Dispatch, GpuError, PlanBuilder};

params! {
    ArgmaxParams { vocab: u32, rows: u32 }
}

/// `token = argmax(logits)`, the first on ties; appended to the step's sequence with its log-probability, and the step advances by `rows`.
/// `u32::MAX` if any logit is NaN or infinite.
///
/// # Shapes
/// `logits` \[vocab\] padded to whole quads, `sequence` and `logprobs` token ids and log-probabilities of all slots, `step` one
/// [`super::Step`].
///
/// # Errors
/// The device allows no such grid.
pub fn argmax(
    plan: &mut PlanBuilder,
    logits: &Buffer,
    sequence: &Buffer,
    logprobs: &Buffer,
    step: &Buffer,
    vocab: usize,
    rows: usize,
) -> Result<(), GpuError> {
    plan.dispatch(Dispatch {
        label: "argmax".into(),
        shader: &sample::ARGMAX,
        constants: &[],
        params: ArgmaxParams { vocab: vocab as u32, rows: rows as u32 },
        buffers: &[("logits", logits), ("sequence", sequence), ("logprobs", logprobs), ("step", step)],
        groups: [1, 1, 1],
        weight_bytes: 0,
        flops: 0,
    })
}

#[cfg(test)]
mod tests {
    use af2_core::engine::log_softmax_at;

    use super::super::Step;
    use super::super::testing::{TAINTS, gpu, quads, random, run, upload, wait};
    use super::*;

    #[test]
    fn a_logit_that_is_not_finite_is_reported() {
        for (vocab, at) in [(1, 0), (609, 3), (609, 608), (151_669, 77_777)] {
            for taint in TAINTS {
                let mut logits: Vec<f32> = random(vocab, 1);
                logits[at] = taint;
                let sequence = gpu().storage("sequence", 8).unwrap();
                let step = Step::buffer(gpu()).unwrap();
                gpu().write(&step, 0, bytemuck::bytes_of(&Step { length: 2, ..Step::default() }));
                let logprobs = gpu().storage("logprobs", 8).unwrap();
                run(&sequence, |plan| argmax(plan, &upload(&quads(&logits)), &sequence, &logprobs, &step, vocab, 1));
                let ids: Vec<u32> = wait(gpu().read_all(&sequence)).unwrap();
                assert_eq!(ids[1], u32::MAX, "{taint} at {at} of {vocab}");
            }
        }
    }

    #[test]
    fn first_of_the_largest() {
        for (vocab, peaks) in [
            (1, vec![0]),
            (609, vec![608]),
            (151_669, vec![77_777, 150_000]),
            (300, vec![255, 256]),
            (9_000, vec![4_098, 8_193]),
        ] {
            let mut logits: Vec<f32> = random(vocab, 1);
            peaks.iter().for_each(|peak| logits[*peak] = 5.0);
            let sequence = gpu().storage("sequence", 4 * 20).unwrap();
            let step = Step::buffer(gpu()).unwrap();
            let state = Step { position: 3, slot_base: 8, length: 12, ..Step::default() };
            gpu().write(&step, 0, bytemuck::bytes_of(&state));
            let logprobs = gpu().storage("logprobs", 4 * 20).unwrap();
            let found =
                run(&logprobs, |plan| argmax(plan, &upload(&quads(&logits)), &sequence, &logprobs, &step, vocab, 2));
            assert!((found[8 + 3 + 2] - log_softmax_at(&logits, peaks[0] as u32)).abs() < 3e-6);
            let ids: Vec<u32> = wait(gpu().read_all(&sequence)).unwrap();
            assert_eq!(ids[8 + 3 + 2], peaks[0] as u32);
            assert_eq!(ids.iter().filter(|id| **id != 0).count(), usize::from(peaks[0] != 0));
            let after: Vec<Step> = wait(gpu().read_all(&step)).unwrap();
            assert_eq!(after, [Step { position: 5, ..state }]);
        }
    }
}
