//! How slow a client may be.

use std::time::Duration;

/// Silences after which a client counts as gone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Longest time for the head of a request, and for the next request on an open connection.
    pub head: Duration,
    /// Longest silence within a body.
    pub body: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { head: Duration::from_secs(15), body: Duration::from_secs(20) }
    }
}
