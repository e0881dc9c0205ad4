//! Random sampling of a token.

use crate::plan::params;
use crate::shader::sample as kernels;
use crate::{Buffer, Dispatch, Gpu, GpuError, PlanBuilder};

params! {
    SampleParams { vocab: u32, rows: u32 }
}

/// The sampling settings, as the kernel reads them.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Sampling {
    /// Divides the logits; above 0.
    pub temperature: f32,
    /// Smallest set of tokens whose probability reaches this; 1 for all.
    pub top_p: f32,
    /// Least probability relative to the most likely token; 0 for any.
    pub min_p: f32,
    /// Divides positive and multiplies negative logits of tokens already seen; 1 for none.
    pub repetition_penalty: f32,
    /// Number of most likely tokens, with ties of the last; 0 for all.
    pub top_k: u32,
    /// Pads the struct to a multiple of 16 bytes.
    pub padding: [u32; 3],
}

impl Sampling {
    /// A uniform buffer for the settings.
    ///
    /// # Errors
    /// The device allows no such buffer.
    pub fn buffer(gpu: &Gpu) -> Result<Buffer, GpuError> {
        gpu.buffer("sampling", size_of::<Self>() as u64, wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST)
    }
}

/// The buffers of [`sample`].
#[derive(Debug, Clone, Copy)]
pub struct SampleBuffers<'a> {
    /// Logits \[vocab\], padded to whole quads; the padding is ignored.
    pub logits: &'a Buffer,
    /// A [`Sampling`].
    pub sampling: &'a Buffer,
    /// One bit per token of the prompt or the answer so far, [vocab / 32 rounded up] u32; the sampled token is added.
    pub seen: &'a Buffer,
    /// Token ids of all slots.
    pub sequence: &'a Buffer,
    /// Log-probabilities of the tokens of all slots.
    pub logprobs: &'a Buffer,
    /// The step.
    pub step: &'a Buffer,
}

/// Samples a token: repetition penalty, temperature, top-k, top-p, min-p, then a random number of the step's seed and position. The token
/// is appended to the step's sequence, and the step advances by `rows`. `u32::MAX` if any logit is NaN or infinite.
///
/// # Shapes
/// As in [`SampleBuffers`].
///
/// # Errors
/// The device allows no such grid.
pub fn sample(plan: &mut PlanBuilder, buffers: SampleBuffers<'_>, vocab: usize, rows: usize) -> Result<(), GpuError> {
    plan.dispatch(Dispatch {
        label: "sample".into(),
        shader: &kernels::SAMPLE,
        constants: &[("THREADS", 256.0)],
        params: SampleParams { vocab: vocab as u32, rows: rows as u32 },
        buffers: &[
            ("logits", buffers.logits),
            ("sampling", buffers.sampling),
            ("seen", buffers.seen),
            ("sequence", buffers.sequence),
            ("logprobs", buffers.logprobs),
            ("step", buffers.step),
        ],
        groups: [1, 1, 1],
        weight_bytes: 0,
        flops: 0,
    })
}

#[cfg(test)]
mod tests {
    use af2_core::engine::log_softmax_at;
    use af2_core::sampling::{SamplingParams, next_token};

    use super::super::Step;
    use super::super::testing::{TAINTS, gpu, quads, random, run, upload, wait};
    use super::*;

    const PROMPT: [u32; 3] = [0, 2, 5];

    /// Samples once on the GPU, `position` tokens after the prompt.
    fn sampled(logits: &[f32], params: &SamplingParams, position: u32) -> u32 {
        let settings = Sampling {
            temperature: params.temperature as f32,
            top_p: params.top_p as f32,
            min_p: params.min_p as f32,
            repetition_penalty: params.repetition_penalty as f32,
            top_k: params.top_k as u32,
            padding: [0; 3],
        };
        let mut bits = vec![0_u32; logits.len().div_ceil(32)];
        PROMPT
            .iter()
            .filter(|id| (**id as usize) < logits.len())
            .for_each(|id| bits[*id as usize / 32] |= 1 << (id % 32));
        let (sampling, step) = (Sampling::buffer(gpu()).unwrap(), Step::buffer(gpu()).unwrap());
        let state = Step {
            position: 2 + position,
            length: 64,
            seed_lo: params.seed as u32,
            seed_hi: (params.seed >> 32) as u32,
            prompt_length: 3,
            ..Step::default()
        };
        gpu().write(&sampling, 0, bytemuck::bytes_of(&settings));
        gpu().write(&step, 0, bytemuck::bytes_of(&state));
        let slots = |label| gpu().storage(label, 4 * 64).unwrap();
        let (logits_buffer, seen) = (upload(&quads(logits)), upload(&bits));
        let (sequence, logprobs) = (slots("sequence"), slots("logprobs"));
        let buffers = SampleBuffers {
            logits: &logits_buffer,
            sampling: &sampling,
            seen: &seen,
            sequence: &sequence,
            logprobs: &logprobs,
            step: &step,
        };
        let found = run(&logprobs, |plan| sample(plan, buffers, logits.len(), 1))[3 + position as usize];
        let ids: Vec<u32> = wait(gpu().read_all(&sequence)).unwrap();
        let id = ids[3 + position as usize];
        // Without temperature and penalty, whatever the settings.
        let expected = log_softmax_at(logits, id);
        assert!(id == u32::MAX || (found - expected).abs() < 5e-6, "{found} is not {expected}");
        id
    }

    #[test]
    fn samples_what_the_host_samples() {
        let published = SamplingParams::published();
        let settings = [
            published,
            SamplingParams { top_k: 0, top_p: 0.5, ..published },
            SamplingParams { top_k: 1, top_p: 1.0, ..published },
            SamplingParams { top_k: 0, top_p: 1.0, min_p: 0.2, temperature: 0.7, ..published },
            SamplingParams { top_k: 7, top_p: 0.9, repetition_penalty: 1.8, temperature: 3.0, ..published },
        ];
        for vocab in [1, 6, 609, 4099, 151_669] {
            let logits: Vec<f32> = random(vocab, 1).iter().map(|v| 9.0 * v).collect();
            for (number, params) in settings.iter().enumerate() {
                for position in 0..4 {
                    let params = SamplingParams { seed: 1 << (8 * number + position as usize), ..*params };
                    let history: Vec<u32> = PROMPT.iter().copied().filter(|id| (*id as usize) < vocab).collect();
                    let expected = next_token(&mut logits.clone(), &history, &params, position).unwrap();
                    assert_eq!(sampled(&logits, &params, position), expected, "{vocab} {params:?} {position}");
                }
            }
        }
    }

    #[test]
    fn no_finite_logit_is_reported() {
        assert_eq!(sampled(&[f32::NAN; 40], &SamplingParams::published(), 0), u32::MAX);
    }

    #[test]
    fn a_logit_that_is_not_finite_is_reported() {
        let all = SamplingParams { top_k: 0, top_p: 1.0, ..SamplingParams::published() };
        let penalised = SamplingParams { repetition_penalty: 1.8, temperature: 0.3, ..all };
        let one = SamplingParams { top_k: 1, min_p: 0.1, ..all };
        for params in [SamplingParams::published(), all, penalised, one] {
            for (at, taint) in [0, 5, 608].into_iter().flat_map(|at| TAINTS.map(|taint| (at, taint))) {
                let mut logits: Vec<f32> = random(609, 1).iter().map(|value| 9.0 * value).collect();
                logits[at] = taint;
                assert_eq!(sampled(&logits, &params, 0), u32::MAX, "{taint} at {at}, {params:?}");
            }
        }
    }
}
