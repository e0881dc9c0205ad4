// The rows of a batch: tokens of several sequences in one pass. A sequence has its first `prefix_length` positions in a part of the
// key/value cache that others may share, and the rest in its own part.
struct Row {
    position: u32,       // of the token in its sequence
    own_base: u32,       // cache row of position p >= prefix_length, minus p; wraps around
    prefix_base: u32,    // cache row of position 0
    prefix_length: u32,
    audio_first: u32,    // audio tokens that it attends to
    audio_count: u32,
    hidden_first: u32,   // times of the audio that it does not attend to all the same, counted from the clip's first
    hidden_end: u32,
}

// Cache row of a position.
fn cache_row(row: Row, position: u32) -> u32 {
    return select(row.own_base + position, row.prefix_base + position, position < row.prefix_length);
}
