//! Sizes of the network that no release varies, so no file states them.

/// Bins of the log-mel spectrogram.
pub const MEL_BINS: usize = 64;
/// Rows and columns of the image that a window of audio becomes, in pixels.
pub const IMAGE_SIDE: usize = 256;
/// Rows and columns of an image patch, in pixels.
pub const PATCH: usize = 4;
/// Rows and columns of the token grid after the patch embedding.
pub const GRID_SIDE: usize = IMAGE_SIDE / PATCH;
/// Stages of the encoder; each but the last halves the side of the grid.
pub const STAGES: usize = 4;
/// Audio tokens that a window becomes.
pub const TOKENS_PER_WINDOW: usize = (GRID_SIDE >> (STAGES - 1)) * (GRID_SIDE >> (STAGES - 1));
/// Rows and columns of an attention window of the encoder, in tokens.
pub const WINDOW: usize = 8;
/// Rows of a relative position bias table: 15 row offsets × 15 column offsets.
pub const RELATIVE_POSITIONS: usize = (2 * WINDOW - 1) * (2 * WINDOW - 1);
