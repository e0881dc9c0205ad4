//! What was asked of the hub, and what it sent.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::request::Parts;
use serde::Serialize;

use super::lock;

/// One of the two origins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The hub itself.
    Hub,
    /// Where large files lie.
    Storage,
}

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Who was asked.
    pub origin: Origin,
    /// `GET`, `HEAD`, `OPTIONS`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// All headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Status of the answer; 0 while there is none.
    pub status: u16,
    /// Bytes of files sent.
    pub sent: u64,
}

impl Entry {
    /// A header, named in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// Counts of one request while it is answered.
#[derive(Clone, Default)]
pub(super) struct Counts {
    pub status: Arc<AtomicU16>,
    pub sent: Arc<AtomicU64>,
}

#[derive(Default)]
pub(super) struct Log(Mutex<Vec<(Entry, Counts)>>);

impl Log {
    pub fn begin(&self, origin: Origin, request: &Parts) -> Counts {
        let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let entry = Entry {
            origin,
            method: request.method.to_string(),
            path: request.uri.to_string(),
            headers: request.headers.iter().map(header).collect(),
            status: 0,
            sent: 0,
        };
        let counts = Counts::default();
        lock(&self.0).push((entry, counts.clone()));
        counts
    }

    pub fn entries(&self) -> Vec<Entry> {
        let entry = |(entry, counts): &(Entry, Counts)| Entry {
            status: counts.status.load(Ordering::Relaxed),
            sent: counts.sent.load(Ordering::Relaxed),
            ..entry.clone()
        };
        lock(&self.0).iter().map(entry).collect()
    }

    pub fn clear(&self) {
        lock(&self.0).clear();
    }
}
