//! What Audio Flamingo 2 needs on any host: configuration, weight formats, audio loading, prompt, tokenizer, sampling rules and the
//! contract of the engines.
//!
//! Nothing here touches a GPU, a file system or a browser: bytes and closures come from above, so the crate is the
//! same on wasm and on the desktop.
//!
//! ```
//! use af2_core::audio::{Channel, load_pcm};
//! use af2_core::config::AudioConfig;
//! use af2_core::text::prompt::prompt;
//!
//! let config = AudioConfig { sample_rate: 16_000, window_length: 10.0, window_overlap: 0.0, max_num_window: 3 };
//! let second: Vec<f32> = (0..8000).map(|i| (0.3 * i as f32).sin()).collect();
//! let clip = load_pcm(&[&second], 8000, Channel::First, &config, 3)?;
//! assert_eq!(clip.windows.count, 1); // the rest of its 10 s is silence
//! assert_eq!(clip.windows.codes.len(), 16_000);
//! assert_eq!(prompt("What is it? "), "<audio>what is it?<SEP>");
//! # Ok::<(), af2_core::audio::AudioError>(())
//! ```

pub mod answers;
pub mod audio;
pub mod captions;
pub mod config;
pub mod engine;
pub mod index;
pub mod presence;
pub mod sampling;
pub mod search;
pub mod small_file;
pub mod text;
pub mod weights;
