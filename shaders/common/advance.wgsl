// The end of a decoding step: appends the token to the sequence and advances the step, so that the next one needs nothing from the host.
//!include common/step.wgsl
@group(0) @binding(5) var<storage, read_write> sequence: array<u32>;  // token ids of all slots
@group(0) @binding(6) var<storage, read_write> step: Step;
@group(0) @binding(7) var<storage, read_write> logprobs: array<f32>;  // log-probabilities of the tokens of all slots

fn emit(token: u32, logprob: f32, rows: u32) {
    let next = step.position + rows;
    if (next < step.length) {
        sequence[step.slot_base + next] = token;
        logprobs[step.slot_base + next] = logprob;
    }
    step.position = next;
}
