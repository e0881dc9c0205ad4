//! Answers that are JSON of a given form.
//!
//! ```text
//! JSON schema ── schema.rs ──► pattern ── automaton.rs ──► automaton over bytes ── rules.rs ──► tokens that may follow
//! ```
//!
//! A schema without recursion describes a regular language. Its automaton is small, whatever the vocabulary; which of 151,669 tokens may
//! follow is found by running it along the sorted vocabulary, where what tokens share in front is run once.

mod automaton;
mod rules;
mod schema;

pub use rules::JsonRules;
pub use schema::{JsonSchema, SchemaError};
