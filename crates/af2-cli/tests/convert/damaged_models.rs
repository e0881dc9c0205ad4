//! Converted models damaged afterwards: the fault is found and named before a weight is used.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use af2_cli::model::{ModelDir, ModelDirError};
use af2_core::weights::Scheme;
use tempfile::TempDir;

use crate::toy::Toy;

const INDEX: &str = "model.safetensors.index.json";
const SHARD: &str = "model-00002-of-00002.safetensors";

/// The message of opening and verifying a copy of the q4 model after one edit.
fn after(edit: impl FnOnce(&Path)) -> String {
    static FILES: OnceLock<Vec<(PathBuf, Vec<u8>)>> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        let converted = Toy::new().convert(Scheme::Q4).unwrap();
        let entries = fs::read_dir(converted.path()).unwrap().map(|entry| entry.unwrap());
        entries.map(|entry| (entry.file_name().into(), fs::read(entry.path()).unwrap())).collect()
    });
    let dir = TempDir::new().unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(dir.path().join(name), bytes).unwrap());
    edit(dir.path());
    let message = ModelDir::open(dir.path()).and_then(|model| model.verify()).unwrap_err().to_string();
    assert!(!message.contains('\n'), "one line: {message}");
    message
}

fn assert_message(message: &str, expected: &[&str]) {
    expected.iter().for_each(|part| assert!(message.contains(part), "`{part}` in: {message}"));
}

fn replace(file: &str, from: &str, to: &str) -> impl FnOnce(&Path) {
    move |dir| {
        let path = dir.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }
}

/// Puts another header of the same length in front of the second shard's data.
fn with_header(json: &'static str) -> impl FnOnce(&Path) {
    move |dir| {
        let mut bytes = fs::read(dir.join(SHARD)).unwrap();
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[8..8 + length].fill(b' ');
        bytes[8..8 + json.len()].copy_from_slice(json.as_bytes());
        fs::write(dir.join(SHARD), bytes).unwrap();
    }
}

#[test]
fn shards_that_changed() {
    let truncated = after(|dir| {
        let bytes = fs::read(dir.join(SHARD)).unwrap();
        fs::write(dir.join(SHARD), &bytes[..bytes.len() - 1]).unwrap();
    });
    assert_message(&truncated, &[SHARD, "bytes, expected", "truncated"]);
    let flipped = after(|dir| {
        let mut bytes = fs::read(dir.join(SHARD)).unwrap();
        let at = bytes.len() - 1000;
        bytes[at] ^= 4;
        fs::write(dir.join(SHARD), bytes).unwrap();
    });
    assert_message(&flipped, &[SHARD, "SHA-256", "damaged"]);
    let missing = after(|dir| fs::remove_file(dir.join(SHARD)).unwrap());
    assert_message(&missing, &[SHARD, "has no", "af2 convert"]);
}

/// Opens a model with one bit of a small file flipped.
fn with_bit_flipped(model: &Path, file: &str, at: usize, bit: usize) -> Result<ModelDir, ModelDirError> {
    let whole = fs::read(model.join(file)).unwrap();
    let mut bytes = whole.clone();
    bytes[at] ^= 1 << bit;
    fs::write(model.join(file), bytes).unwrap();
    let opened = ModelDir::open(model);
    fs::write(model.join(file), whole).unwrap();
    opened
}

#[test]
fn a_flipped_bit_of_a_small_file() {
    let converted = Toy::new().convert(Scheme::Q4).unwrap();
    let model = &converted.path();
    let size = |file: &str| fs::metadata(model.join(file)).unwrap().len() as usize;
    for file in ["config.json", "generation_config.json"] {
        for at in 0..size(file) {
            let opened = with_bit_flipped(model, file, at, at % 8);
            assert!(opened.is_err(), "bit {} of byte {at} of {file}", at % 8);
        }
    }
    let mut state = 1_u64;
    for _ in 0..200 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (at, bit) = ((state >> 33) as usize % size("tokenizer.json"), (state >> 30) as usize % 8);
        let error = with_bit_flipped(model, "tokenizer.json", at, bit).unwrap_err().to_string();
        assert_message(&error, &["`tokenizer.json` is not the file that the index lists"]);
    }
    ModelDir::open(model).unwrap();
}

#[test]
fn an_index_that_lies() {
    let hash = after(replace(INDEX, "\"sha256\": \"", "\"sha256\": \"0"));
    assert_message(&hash, &["has no valid sha256"]);
    let hash = after(|dir| {
        let text = fs::read_to_string(dir.join(INDEX)).unwrap();
        let at = text.find("\"sha256\": \"").unwrap() + 11;
        let digest = "5a".repeat(32);
        fs::write(dir.join(INDEX), [&text[..at], &digest, &text[at + 64..]].concat()).unwrap();
    });
    assert_message(&hash, &["model-00001-of-00002.safetensors", "expected 5a5a"]);
    let shard = after(replace(INDEX, SHARD, "model-00003-of-00002.safetensors"));
    assert_message(&shard, &["is in shard `model-00003-of-00002.safetensors`, which the table of shards lacks"]);
    let misplaced = after(replace(INDEX, "layer_norm.bias\": \"model-00001", "layer_norm.bias\": \"model-00002"));
    assert_message(&misplaced, &[SHARD, "lacks tensor `audio_transformer_clap.layer_norm.bias`"]);
    let scheme = after(replace(INDEX, "\"scheme\": \"q8\"", "\"scheme\": \"q4\""));
    assert_message(&scheme, &["tensor `audio_transformer_clap.", "of scheme q4 has group_size Some(32)"]);
    let q8 = "\"scheme\": \"q8\",\n      \"group_size\": 32";
    let scheme = after(replace(INDEX, q8, &q8.replace("q8", "q4").replace("32", "16")));
    assert_message(&scheme, &["tensor `audio_transformer_clap.", "expected U8"]);
    let old = after(replace(INDEX, "af2-webgpu/2", "af2-webgpu/1"));
    assert_message(&old, &["format `af2-webgpu/1` of an earlier version", "convert the release again"]);
    let unnamed = after(replace(INDEX, "\"clap.nvclap.bn0.bias\"", "\"clap.nvclap.bn0.bios\""));
    assert_message(&unnamed, &["tensor `clap.nvclap.bn0.bias` is missing from the index"]);
    assert_message(&after(replace(INDEX, "\"bytes\": ", "\"bytes\": 1e99")), &[INDEX, "not a valid index"]);
}

#[test]
fn headers_that_lie() {
    let larger = r#"{"w":{"dtype":"U8","shape":[1099511627776],"data_offsets":[0,1099511627776]}}"#;
    assert_message(&after(with_header(larger)), &[SHARD, "tensor `w` ends at byte 1099", "damaged"]);
    let overflow = r#"{"w":{"dtype":"F32","shape":[9223372036854775807,9],"data_offsets":[0,4]}}"#;
    assert_message(&after(with_header(overflow)), &[SHARD, "tensor `w`: shape", "too large"]);
    assert_message(&after(with_header("{")), &[SHARD, "not valid JSON"]);
    let length = |dir: &Path| {
        let mut bytes = fs::read(dir.join(SHARD)).unwrap();
        bytes[..8].copy_from_slice(&5_000_000u64.to_le_bytes());
        fs::write(dir.join(SHARD), bytes).unwrap();
    };
    assert_message(&after(length), &[SHARD, "header of 5000000 bytes does not fit"]);
}

#[test]
fn a_hostile_configuration() {
    let layers = after(replace("config.json", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4000000000"));
    assert_message(&layers, &["config.json: text.num_hidden_layers is 4000000000", "1..="]);
    let shift = after(replace("config.json", "\"embed_dim\": 16", "\"embed_dim\": 18446744073709551615"));
    assert_message(&shift, &["config.json: encoder.embed_dim"]);
    let heads = after(replace("config.json", "\"n_head\": 2", "\"n_head\": 0"));
    assert_message(&heads, &["config.json: audio_transformer.n_head is 0"]);
    let token = after(replace("config.json", "\"audio\": 605", "\"audio\": 609"));
    assert_message(&token, &["config.json: tokens is 609", "608"]);
    let width = after(replace("config.json", "\"ff_inner\": 512", "\"ff_inner\": 544"));
    assert_message(&width, &["ff.1.weight", "U8 [512, 64]", "expected U8 [544, 64]"]);
    assert_message(&after(replace("config.json", "{", "[")), &["config.json is not a valid configuration"]);
    assert_message(&after(|dir| fs::remove_file(dir.join("config.json")).unwrap()), &["has no config.json"]);
}
