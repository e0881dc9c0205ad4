//! An HTTP server with the interface of OpenAI's chat completions, on axum.
//!
//! ```text
//! connection ── guard (host, key) ── body ── request ── audio decoded ── Queue ── Answerer, on the thread that calls Queue::work
//!      ◄── one object, or server-sent events ◄── Reply ◄── text deltas, then the answer ◄──┘
//! ```
//!
//! This crate knows HTTP, OpenAI's types and the queue. What answers is behind [`Answerer`]. A request holds one of a bounded number of
//! places from before its body is read until its answer is complete, so that memory is bounded; further requests are told to come again.

mod answer;
mod app;
mod body;
mod chat;
mod completion;
mod connections;
mod error;
mod events;
mod guard;
mod job;
mod metrics;
mod pace;
mod queue;
mod request;
mod routes;
mod server;

pub use answer::{Answer, AnswerToken, Failure, Scored};
pub use job::{Job, Reply};
pub use queue::{Answerer, ClipUse, MOST_TOGETHER, Queue};
pub use request::{Clip, Decoding, Fetch, Question};
pub use server::{Server, Settings, signals};
