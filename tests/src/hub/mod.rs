//! A model hub on this machine, for tests: what Hugging Face's does, on two origins, with faults on request.
//!
//! | origin | requests | answers |
//! |---|---|---|
//! | hub | `GET /api/models/{repo}/revision/{rev}` | JSON with `sha`, the commit |
//! | hub | `GET /api/models/{repo}/tree/{rev}?recursive=true` | JSON pages of `type`, `path`, `size`, `lfs.oid`; `Link: <…>; rel="next"` |
//! | hub | `GET`, `HEAD /{repo}/resolve/{rev}/{path}` | a small file; for a large one 302 to the storage with `X-Linked-Etag`, `X-Linked-Size` |
//! | storage | `GET`, `HEAD /{repo}/{commit}/{path}?Expires=…&Signature=…` | the bytes, or 403 once the signature has expired |
//!
//! Weight files are large whatever their size, as with git-lfs. Every answer about a file carries `X-Repo-Commit`, every
//! refusal `X-Error-Code`. A [`Fault`] changes one or more answers. The [log](Hub::log) holds every request of both
//! origins with its headers. Files are streamed, never whole in memory.

mod api;
mod body;
mod control;
mod cors;
mod dimensions;
mod fault;
mod file;
mod log;
mod releases;
mod reply;
mod repository;
mod resolve;
mod server;
mod shared;
mod storage;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;

pub use control::Command;
pub use dimensions::dimensions;
pub use fault::{Fault, Kind};
pub use file::{File, Files};
pub use log::{Entry, Origin};
pub use releases::{Layout, Release};
use shared::Shared;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 64;
/// Bytes that the system may hold of a connection. Small, so that what a killed client never read is little.
const SEND_BUFFER: u32 = 64 << 10;

/// A running hub. It stops when dropped.
pub struct Hub {
    shared: Arc<Shared>,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Hub {
    /// Starts a hub without repositories on two free ports of this machine.
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (hub, storage) = runtime.block_on(async { (listener(), listener()) });
        let address = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::new(address(&hub), address(&storage)));
        for (listener, origin) in [(hub, Origin::Hub), (storage, Origin::Storage)] {
            let router = server::router(shared.clone(), origin);
            runtime.spawn(async move { axum::serve(listener, router).await });
        }
        Self { shared, runtime: Some(runtime) }
    }

    /// Address of the hub, the `HF_ENDPOINT` of its clients.
    pub fn endpoint(&self) -> &str {
        &self.shared.endpoint
    }

    /// Address of the second origin, which large files come from.
    pub fn storage(&self) -> &str {
        &self.shared.storage
    }

    /// Adds a commit of `files` to the repository `ORG/NAME`, and the repository where it is new. Returns the commit.
    pub fn repository(&self, name: &str, files: impl Into<Files>) -> String {
        self.shared.push(name, files.into())
    }

    /// Adds the repositories `ORG/NAME` of a folder of folders.
    pub fn folder(&self, folder: &Path) {
        self.shared.push_folder(folder);
    }

    /// Adds a release and its base under their names on the hub.
    pub fn release(&self, release: Release) {
        self.shared.push_release(release);
    }

    /// Removes all commits of a repository but the last.
    pub fn forget(&self, name: &str) {
        self.shared.forget(name);
    }

    /// From now on files of a repository are for this token only; another is told that it has no access.
    pub fn gate(&self, name: &str, token: &str) {
        self.shared.gate(name, token);
    }

    /// How long signed addresses are valid from now on.
    pub fn sign_for(&self, lifetime: Duration) {
        self.shared.lifetime_ms.store(lifetime.as_millis() as u64, Ordering::Relaxed);
    }

    /// Entries of one tree page from now on.
    pub fn page_size(&self, entries: usize) {
        self.shared.page_size.store(entries, Ordering::Relaxed);
    }

    /// Adds a fault.
    pub fn fault(&self, fault: Fault) {
        self.shared.faults.add(fault);
    }

    /// Removes all faults that are left; returns their number.
    pub fn heal(&self) -> usize {
        self.shared.faults.clear()
    }

    /// Every request so far, in order of arrival.
    pub fn log(&self) -> Vec<Entry> {
        self.shared.log.entries()
    }

    /// Bytes of files sent so far, by both origins.
    pub fn bytes_sent(&self) -> u64 {
        self.log().iter().map(|entry| entry.sent).sum()
    }

    /// Performs a command of the control interface.
    pub fn control(&self, command: Command) {
        self.shared.control(command);
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn listener() -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(SEND_BUFFER).unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    socket.listen(BACKLOG).unwrap()
}

/// A lock that a panicking test does not poison for the others.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
