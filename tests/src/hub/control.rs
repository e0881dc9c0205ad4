//! The control interface, for tests that are not in Rust: `POST /_control` with a command in JSON.

use std::path::PathBuf;

use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::fault::Fault;
use super::file::Files;
use super::releases::{Layout, Release};
use super::reply::{plain, set};
use super::shared::Shared;

/// Where commands go.
pub(super) const PATH: &str = "/_control";

/// A command, such as `{"fault": {"kind": "cut", "after": 1000, "path": ".safetensors"}}` or `"log"`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Changes nothing; as for every command, the answer holds addresses, bytes sent and the log.
    Log,
    /// Forgets faults and the log.
    Reset,
    /// Adds a fault.
    Fault(Fault),
    /// Adds a commit of a folder.
    Repository {
        /// `ORG/NAME`.
        name: String,
        /// The folder.
        folder: PathBuf,
    },
    /// Adds the toy model, under the names of the 0.5B and its base.
    TinyA {
        /// How it is stored.
        layout: Layout,
    },
    /// Adds a released size with random weights and its base.
    Synth {
        /// `3b`, `1.5b` or `0.5b`.
        size: String,
    },
    /// Removes all commits of a repository but the last.
    Forget {
        /// `ORG/NAME`.
        name: String,
    },
    /// Lets only one token read a repository's files.
    Gate {
        /// `ORG/NAME`.
        name: String,
        /// The token.
        token: String,
    },
    /// How long signed addresses are valid.
    SignFor {
        /// Milliseconds.
        ms: u64,
    },
}

impl Shared {
    pub fn control(&self, command: Command) {
        match command {
            Command::Log => {}
            Command::Reset => {
                self.faults.clear();
                self.log.clear();
            }
            Command::Fault(fault) => self.faults.add(fault),
            Command::Repository { name, folder } => drop(self.push(&name, Files::from(folder.as_path()))),
            Command::TinyA { layout } => self.push_release(Release::tiny_a(layout)),
            Command::Synth { size } => self.push_release(Release::synth(&size)),
            Command::Forget { name } => self.forget(&name),
            Command::Gate { name, token } => self.gate(&name, &token),
            Command::SignFor { ms } => {
                self.lifetime_ms.store(ms, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    pub fn push_release(&self, release: Release) {
        for (name, files) in release.repositories {
            self.push(&name, files);
        }
    }
}

/// Performs a command and tells the state.
pub(super) fn answer(shared: &Shared, body: &[u8]) -> Response {
    match serde_json::from_slice(body) {
        Ok(command) => shared.control(command),
        Err(error) => return plain(StatusCode::BAD_REQUEST, &format!("no command: {error}")),
    }
    let log = shared.log.entries();
    let sent: u64 = log.iter().map(|entry| entry.sent).sum();
    let state = json!({ "endpoint": shared.endpoint, "storage": shared.storage, "bytes_sent": sent, "log": log });
    let mut response = plain(StatusCode::OK, &state.to_string());
    set(&mut response, "content-type", "application/json");
    response
}
