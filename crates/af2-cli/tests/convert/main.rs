//! The converter on rewritten versions of the toy checkpoint, and what it wrote, damaged in every way.
#![allow(clippy::unwrap_used)]

mod command_line;
mod converted;
mod damaged_models;
mod damaged_releases;
mod schemes;
mod toy;
mod variants;
