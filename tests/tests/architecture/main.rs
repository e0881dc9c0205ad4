//! Architecture tests: dependencies between crates and files, licences, words, versions, rules for source files and shaders.
//!
//! crates/README.md lists the rules.

mod circles;
mod dependencies;
mod faults;
mod floors;
mod release;
mod shaders;
mod sources;
mod words;
mod workspace;
