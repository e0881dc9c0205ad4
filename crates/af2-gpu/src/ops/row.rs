//! Tokens of several sequences in one pass.

/// Where a row of a batch is, and what it attends to; `Row` of `common/rows.wgsl`. A sequence has its first `prefix_length` positions in
/// a part of the key/value cache that others may share, and the rest in its own part.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct BatchRow {
    /// Position of the token in its sequence.
    pub position: u32,
    /// Cache row of position p ≥ `prefix_length`, minus p; wraps around.
    pub own_base: u32,
    /// Cache row of position 0.
    pub prefix_base: u32,
    /// Positions in the shared part.
    pub prefix_length: u32,
    /// First audio token that it attends to.
    pub audio_first: u32,
    /// Audio tokens from there on.
    pub audio_count: u32,
    /// First time of the audio, of 32 per window, that it does not attend to all the same.
    pub hidden_first: u32,
    /// The time after the last of them.
    pub hidden_end: u32,
}

#[cfg(test)]
impl BatchRow {
    /// Cache row of a position.
    pub(crate) fn cache_row(&self, position: u32) -> u32 {
        let base = if position < self.prefix_length { self.prefix_base } else { self.own_base };
        base.wrapping_add(position)
    }

    /// Whether an audio token is hidden.
    pub(crate) fn hides(&self, token: u32) -> bool {
        (self.hidden_first..self.hidden_end).contains(&(token / 64 * 32 + token % 32))
    }
}
