//! Why a file is not decoded.

/// Why a container gives no track.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No container that is known here.
    Unknown,
    /// A codec or a kind of file by name.
    Unsupported(String),
    /// What is missing or makes no sense.
    Damaged(String),
    /// No audio in it, and what is.
    NoAudio(String),
}

/// `Refusal::Damaged` with a text.
pub fn damaged<T>(what: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Damaged(what.into()))
}

/// `Refusal::Unsupported` with a name.
pub fn unsupported<T>(what: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Unsupported(what.into()))
}
