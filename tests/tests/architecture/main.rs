//! The rules of the house, checked by machine: who may know whom, what may be used where, and how files look.
//!
//! crates/README.md says why each rule exists.

mod dependencies;
mod floors;
mod release;
mod shaders;
mod sources;
mod workspace;
