//! `af2 pull` and `af2 models`: from a hub to a converted model in the user's data folder.
//!
//! The protocol is in `af2-hub`; this is what it takes on a desktop: sockets, the environment, the cache of the official client,
//! and a folder from which an interrupted pull goes on.

mod cache;
mod channel;
mod environment;
mod http;
mod licence;
mod outcome;
mod prompt;
mod published;
mod pull;
mod release;
mod staging;
mod store;

pub use environment::Environment;
pub use outcome::{Cost, Options, Outcome, Progress, Pulled};
pub use prompt::confirm;
pub use pull::pull;
pub use store::{Stored, list, remove};
