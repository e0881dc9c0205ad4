// The end of a decoding step: appends the token to the sequence and advances the step, so that the next one needs nothing from the host.
//!include common/step.wgsl
@group(0) @binding(5) var<storage, read_write> sequence: array<u32>;  // token ids of all slots
@group(0) @binding(6) var<storage, read_write> step: Step;

fn emit(token: u32, rows: u32) {
    let next = step.position + rows;
    if (next < step.length) { sequence[step.slot_base + next] = token; }
    step.position = next;
}
