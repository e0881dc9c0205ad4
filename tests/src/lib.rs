//! Tests that see the whole workspace.
