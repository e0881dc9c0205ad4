//! `cargo fuzz run --fuzz-dir tests/fuzz --features libfuzzer batch_output`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| af2_fuzz::targets::batch_output(bytes));
