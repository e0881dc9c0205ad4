//! `af2 serve` with the demo model on the CPU: the shared table of requests, HTTP's own rules, hostile requests, many at once, and the end.

#![allow(clippy::unwrap_used)]

mod client;
mod hostile;
mod http;
mod limits;
mod pattern;
mod stopping;
mod table;
mod urls;
