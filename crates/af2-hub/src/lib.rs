//! Client of a model hub: from `nvidia/audio-flamingo-2` to the bytes that a conversion reads.
//!
//! ```text
//! Address::parse("3b") → Target::Repository ┐
//!                        Target::Folder     ┴→ Remote::open(client, target): files and sizes at one commit
//!                                               → HubSource, an af2_convert::Source with read-ahead → Release::convert
//! ```
//!
//! * [`Address`] says what is meant: a size of NVIDIA's releases, a repository at a revision, the address of a folder.
//!   [`releases`] lists the releases with their base models and licences.
//! * [`Http`] is all that the caller provides: GET requests and pauses. The crate opens no socket and reads no clock, so it is
//!   the same in browsers.
//! * [`Client`] adds the endpoint, its token (sent to this origin only), retries, and messages for the hub's answers.
//! * [`Remote`] is a repository at one commit: a branch is resolved once, so later pushes cannot mix two versions.
//! * [`HubSource`] reads ranges. Those that [`Source::announce`](af2_convert::Source::announce) lists are fetched ahead in few
//!   large requests, several at a time; a request that is cut goes on at the byte where it stopped.
//!
//! What is checked: sizes, the commit, and the SHA-256 of files that are read whole ([`HubSource::verify`]). A range of a file
//! has no checksum on a hub; the conversion checks tensor tables, shapes and finite values.

mod address;
mod client;
mod error;
mod fetch;
mod http;
mod read_ahead;
mod redirect;
pub mod releases;
mod remote;
mod repository_name;
mod source;
#[cfg(test)]
mod testing;
mod tree;
mod url;

pub use address::{Address, Target};
pub use client::Client;
pub use error::{HubError, Problem};
pub use http::{Body, Http, HttpError, LocalBoxFuture, Request, Response};
pub use read_ahead::Window;
pub use remote::Remote;
pub use repository_name::RepositoryName;
pub use source::HubSource;
pub use tree::RemoteFile;
