//! Constant tables of the log-mel front end, and the front end itself as a plain loop.
//!
//! The tables equal the original's: float32, with its order of operations where rounding depends on it.

mod bicubic;
mod fourier;
mod log_mel;
mod mel_filter_bank;

pub use bicubic::{BicubicTable, bicubic_table};
pub use fourier::{fft_in_place, fft_twiddles, hann_window};
pub use log_mel::{MelSettings, log_mel_reference};
pub use mel_filter_bank::mel_filter_bank;
