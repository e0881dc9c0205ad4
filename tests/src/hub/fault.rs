//! Faults on request: which answers differ from a healthy hub's, and how often.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::lock;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Kind {
    /// The connection breaks after so many bytes of a file.
    Cut {
        /// Bytes sent before.
        after: u64,
    },
    /// A file comes at this rate.
    Slow {
        /// Bytes per second.
        rate: u64,
    },
    /// The whole file comes, with status 200, whatever range was asked for.
    IgnoreRange,
    /// A range begins later than asked for, and `Content-Range` says so.
    ShiftRange {
        /// Bytes later.
        by: u64,
    },
    /// A complete answer holds fewer bytes than asked for.
    Truncate {
        /// Bytes fewer.
        by: u64,
    },
    /// One byte of a file is another, at this place in the file.
    Corrupt {
        /// The place.
        at: u64,
    },
    /// The storage takes a signature for expired.
    Expired,
    /// The hub answers with a status, such as 500.
    Status {
        /// The status.
        status: u16,
    },
    /// The storage answers with a status.
    StorageStatus {
        /// The status.
        status: u16,
    },
    /// The hub answers 429, with `RateLimit` and `Retry-After`.
    RateLimited {
        /// Seconds until the client may come again.
        seconds: u64,
    },
    /// The tree gives another size of a file.
    WrongSize {
        /// Bytes more.
        by: u64,
    },
    /// Tree and redirect give another digest of a large file.
    WrongDigest,
    /// The hub answers with git-lfs's pointer in place of a large file.
    Pointer,
    /// `X-Repo-Commit` is not the commit asked for.
    OtherCommit,
    /// `main` moves on before this request for a file is answered.
    MoveMain {
        /// Whether the commits before are gone.
        forget: bool,
    },
    /// Small files come by a relative redirect on the hub itself (307 to `/api/resolve-cache/…`).
    ResolveCache,
    /// The storage lets no page read its answers.
    NoCors,
}

/// A [`Kind`] with the requests it applies to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: Kind,
    /// Only requests whose path contains this.
    #[serde(default)]
    pub path: String,
    /// So many such requests are answered well before.
    #[serde(default)]
    pub skip: u32,
    /// So many requests fail.
    #[serde(default = "one")]
    pub times: u32,
}

fn one() -> u32 {
    1
}

impl Fault {
    /// A fault of the next request that it can apply to.
    pub fn once(kind: Kind) -> Self {
        Self { kind, path: String::new(), skip: 0, times: 1 }
    }

    /// A fault of every request that it can apply to.
    pub fn always(kind: Kind) -> Self {
        Self { times: u32::MAX, ..Self::once(kind) }
    }

    /// The same for so many requests.
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// The same after so many requests.
    pub fn after(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    /// The same for requests whose path contains `path`.
    pub fn at(self, path: &str) -> Self {
        Self { path: path.into(), ..self }
    }
}

/// The faults that are left.
#[derive(Default)]
pub(super) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub fn add(&self, fault: Fault) {
        lock(&self.0).push(fault);
    }

    pub fn clear(&self) -> usize {
        std::mem::take(&mut *lock(&self.0)).len()
    }

    /// Takes the first fault for `path` out of which `select` makes something, once.
    pub fn take<T>(&self, path: &str, select: impl Fn(&Kind) -> Option<T>) -> Option<T> {
        let mut faults = lock(&self.0);
        let mut found = None;
        for fault in faults.iter_mut().filter(|fault| path.contains(&fault.path)) {
            let Some(selected) = select(&fault.kind) else { continue };
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if fault.times < u32::MAX {
                fault.times -= 1;
            }
            found = Some(selected);
            break;
        }
        faults.retain(|fault| fault.times > 0);
        found
    }

    /// Whether a fault of this kind applies to `path`, once.
    pub fn hits(&self, path: &str, kind: &Kind) -> bool {
        self.take(path, |found| (found == kind).then_some(())).is_some()
    }
}
