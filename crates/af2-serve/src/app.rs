//! What all requests share.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::completion;
use crate::metrics::Metrics;
use crate::pace::Pace;
use crate::queue::Queue;
use crate::request::AudioRules;

/// The server's state.
pub(crate) struct App {
    /// Name of the model in answers.
    pub model: String,
    pub audio: AudioRules,
    pub queue: Arc<Queue>,
    pub metrics: Metrics,
    pub api_key: Option<String>,
    pub pace: Pace,
    /// Only this machine can connect.
    pub loopback: bool,
    /// Answers so far.
    pub answers: AtomicU64,
    /// Seconds since 1970 at the start.
    pub started: u64,
}

impl App {
    /// The state of a server that begins.
    pub fn new(model: String, audio: AudioRules, queue: Arc<Queue>) -> Self {
        Self {
            model,
            audio,
            queue,
            metrics: Metrics::default(),
            api_key: None,
            pace: Pace::default(),
            loopback: true,
            answers: AtomicU64::new(0),
            started: completion::now(),
        }
    }
}
