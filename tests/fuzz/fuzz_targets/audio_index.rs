//! `cargo fuzz run --fuzz-dir tests/fuzz --features libfuzzer audio_index`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| af2_fuzz::targets::audio_index(bytes));
