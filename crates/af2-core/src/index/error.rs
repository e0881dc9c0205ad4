//! Why an index of audio cannot be used.

use std::io;

use thiserror::Error;

/// An error of an index, in one sentence with a remedy.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AudioIndexError {
    /// It does not begin as an index does.
    #[error("it is no index of audio; make one with `af2 index`")]
    NotAnIndex,
    /// A format that this version does not know.
    #[error("it is an index in format {found}, and this version reads {known}; index the audio again")]
    Version {
        /// Its format.
        found: u32,
        /// The format that is read.
        known: u32,
    },
    /// A header that was changed or describes nothing.
    #[error("its header is damaged ({0}); index the audio again")]
    Header(&'static str),
    /// A record that was changed, moved or taken out.
    #[error("it is damaged at byte {at}; restore it from a copy, or index the audio again")]
    Damaged {
        /// Where the record begins.
        at: u64,
    },
    /// A name or text that does not fit.
    #[error("{what} has {found} bytes, and at most {most} fit in an index")]
    TooLong {
        /// What it is.
        what: &'static str,
        /// Its bytes.
        found: usize,
        /// Most bytes.
        most: usize,
    },
    /// Tokens of another size.
    #[error("a window of {found} numbers cannot be added to an index whose windows have {expected}")]
    WrongTokens {
        /// Numbers given.
        found: usize,
        /// Numbers of a window.
        expected: usize,
    },
    /// It was made with another model, whose tokens mean other things.
    #[error("it was made with another model; use that model, or index the audio again with this one")]
    OtherModel,
    /// It was made with other settings.
    #[error("it was made with {what} {found}, and this run has {wanted}; use the same, or name another index")]
    OtherSettings {
        /// Which setting.
        what: &'static str,
        /// Its value in the index.
        found: String,
        /// The value wanted.
        wanted: String,
    },
    /// It cannot be read or written.
    #[error("it cannot be read or written: {0}")]
    Io(#[from] io::Error),
}
