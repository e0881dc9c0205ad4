// The state that changes from one decoded token to the next. All else in a plan is fixed when it is built.
struct Step {
    position: u32,   // position of the first token of this pass
    slot_base: u32,  // first cache row and first sequence entry of the sequence being decoded (one slot per beam)
    length: u32,     // tokens this sequence may hold in all
    seed_lo: u32,    // seed of the counter-based generator
    seed_hi: u32,
    prompt_length: u32,  // position of the first generated token: random numbers are counted from here
    pad_0: u32,
    pad_1: u32,
}
