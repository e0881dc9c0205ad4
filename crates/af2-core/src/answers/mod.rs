//! How far an answer can be trusted: how sure the model is, which of several texts it finds likely, which seconds it goes by, and answers
//! that must have a form.
//!
//! All of it is arithmetic on what an engine computes: these modules make requests ([`crate::engine::ScoreRequest`]) and read their
//! results, or rule tokens out ([`crate::engine::TokenRules`]). They know no engine, so that the command line and browsers share them.

mod choose;
mod confidence;
mod continuation;
mod json;
mod lettered;
mod one_of;
mod relevance;
mod timeline;

pub use choose::{Choice, ChoiceError, ChoiceOption, MultipleChoice};
pub use confidence::confidence;
pub use continuation::{continuation, without_end};
pub use json::{JsonRules, JsonSchema, SchemaError};
pub use one_of::{OneOf, OneOfError};
pub use relevance::{Effect, Interval, Method, Relevance};
pub use timeline::Timeline;
