//! `cargo fuzz run --fuzz-dir tests/fuzz --features libfuzzer safetensors`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| af2_fuzz::targets::safetensors(bytes));
