//! Numbers of a `config.json` that would size something absurd are refused, and the field is named.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use af2_core::config::ModelConfig;
use serde_json::{Value, json};

fn toy() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/toy/config.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn parse(config: &Value) -> Result<ModelConfig, String> {
    ModelConfig::parse(config.to_string().as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn absurd_numbers_are_refused_by_name() {
    parse(&toy()).unwrap();
    for (pointer, value) in [
        ("/audio/sample_rate", json!(44_100)),
        ("/audio/window_length", json!(0.01)),
        ("/audio/window_length", json!(1e300)),
        ("/audio/window_overlap", json!(10.0)),
        ("/audio/window_overlap", json!(-1.0)),
        ("/audio/max_num_window", json!(0)),
        ("/audio/max_num_window", json!(361)),
        ("/encoder/depths/0", json!(257)),
        ("/encoder/mlp_dims/0", json!(1 << 16)),
        ("/audio_transformer/n_layers", json!(257)),
        ("/audio_transformer/n_head", json!(256)),
        ("/audio_transformer/d_inner", json!(1 << 16)),
        ("/cross_attention/head_dim", json!(1 << 15)),
        ("/cross_attention/ff_inner", json!(1 << 16)),
        ("/cross_attention/every_n_layers", json!(0)),
        ("/text/num_hidden_layers", json!(257)),
        ("/text/hidden_size", json!(0)),
        ("/text/head_dim", json!(1 << 15)),
        ("/text/intermediate_size", json!(u64::from(u32::MAX))),
        ("/text/vocab_size", json!((1 << 18) + 1)),
        ("/text/rms_norm_eps", json!(0.0)),
        ("/text/rope_theta", json!(-1.0)),
    ] {
        let mut config = toy();
        *config.pointer_mut(pointer).unwrap() = value;
        let error = parse(&config).unwrap_err();
        let field = pointer.trim_start_matches('/').trim_end_matches("/0").replace('/', ".");
        assert!(error.contains(&field), "{pointer}: {error}");
    }
}

#[test]
fn an_embedding_too_large_for_32_bit_sizes_is_refused() {
    let mut config = toy();
    config["text"]["hidden_size"] = json!(1 << 15);
    config["text"]["vocab_size"] = json!((1 << 16) + 1);
    assert!(parse(&config).unwrap_err().contains("text.vocab_size"));
}

#[test]
fn a_byte_order_mark_is_skipped_and_a_long_file_refused() {
    let text = toy().to_string();
    assert_eq!(ModelConfig::parse(format!("\u{feff}{text}").as_bytes()).unwrap(), parse(&toy()).unwrap());
    let long = format!("{text}{}", " ".repeat(1 << 20));
    assert!(ModelConfig::parse(long.as_bytes()).unwrap_err().to_string().contains("bytes"));
}
