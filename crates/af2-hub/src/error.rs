//! What can go wrong with a hub, each as one line.

use af2_convert::StorageError;
use thiserror::Error;

/// Why something could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("cannot fetch {location}: {problem}")]
pub struct HubError {
    /// Repository, file or address.
    pub location: String,
    /// What happened.
    pub problem: Problem,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    /// The hub wants a token, or one with more rights.
    #[error("{}", denied(*status, page, *with_token))]
    Denied {
        /// 401 or 403.
        status: u16,
        /// Where access is asked for.
        page: String,
        /// Whether a token was sent.
        with_token: bool,
    },
    /// No such repository, revision or file.
    #[error("{0}")]
    Absent(String),
    /// Too many requests, for longer than can be waited.
    #[error("the hub allows no more requests for now (429); try again later, or set HF_TOKEN for a higher limit")]
    RateLimited,
    /// Another status.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// The storage host refuses the address that the hub signed, several times.
    #[error("the storage host refuses the hub's signed address (status {0})")]
    Refused(u16),
    /// No answer, or a connection lost again and again.
    #[error("{0}")]
    Network(String),
    /// The answer ended early, several times.
    #[error("the server ends its answer {missing} bytes early, again and again")]
    CutShort {
        /// Bytes that did not come.
        missing: u64,
    },
    /// The files are not those that were listed.
    #[error("{0}: the repository changed on the hub while being pulled; start again")]
    Changed(String),
    /// A mirror that holds git-lfs's stand-in only.
    #[error(
        "a pointer of git-lfs came in place of the file; the mirror is incomplete, choose another with HF_ENDPOINT"
    )]
    Pointer,
    /// A server that sends whole files only.
    #[error(
        "the server ignores ranges and sends the whole file of {size} bytes; download it and convert the folder with `af2 convert`"
    )]
    NoRanges {
        /// Size of the file.
        size: u64,
    },
    /// A file whose bytes are not those that the hub lists.
    #[error("its SHA-256 is {found}, the hub lists {expected}: it is damaged")]
    Checksum {
        /// As listed.
        expected: String,
        /// As found.
        found: String,
    },
    /// An answer that is not understood.
    #[error("the server's answer is not understood: {0}")]
    Answer(String),
}

impl HubError {
    pub(crate) fn new(location: impl Into<String>, problem: Problem) -> Self {
        HubError { location: location.into(), problem }
    }
}

impl From<HubError> for StorageError {
    fn from(error: HubError) -> Self {
        let absent = matches!(error.problem, Problem::Absent(_));
        StorageError { action: "fetch", location: error.location, reason: error.problem.to_string(), absent }
    }
}

fn denied(status: u16, page: &str, with_token: bool) -> String {
    match with_token {
        true => format!("the token has no access ({status}); ask for it at {page}"),
        false => format!(
            "it does not exist or needs a login ({status}); accept its terms at {page}, then set HF_TOKEN to a token of your account"
        ),
    }
}
