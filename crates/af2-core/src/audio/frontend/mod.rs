//! Constant tables of the log-mel front end, and the front end itself as a plain loop.
//!
//! The tables are what the original keeps in memory, in float32 and with its order of operations where that shows.

mod bicubic;
mod fourier;
mod log_mel;
mod mel_filter_bank;

pub use bicubic::{BicubicTable, bicubic_table};
pub use fourier::{fft_in_place, fft_twiddles, hann_window};
pub use log_mel::{MelSettings, log_mel_reference};
pub use mel_filter_bank::mel_filter_bank;
