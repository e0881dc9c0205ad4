//! The hub of the tests answers as a hub does, and `af2 pull` makes of it what `af2 convert` makes of a folder.
#![allow(clippy::unwrap_used)]

mod client;
mod faults;
mod kills;
mod layouts;
mod places;
mod pulling;
mod server;
