//! Releases and converted models on a hub (Hugging Face, or a mirror of it): addresses, the HTTP interface, which byte ranges are
//! needed, and what to do when a transfer fails.
//!
//! The crate opens no socket and knows no clock, so it is the same in browsers: its caller performs the requests.
