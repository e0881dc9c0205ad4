//! The three released sizes: their tensor tables, and what shapes do not tell.

use af2_core::weights::safetensors::{Dtype, TensorSpec};
use serde_json::{Value, json};

/// A released size, named after its language model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 4.79 billion parameters.
    B3,
    /// 2.52 billion parameters.
    B1_5,
    /// 1.07 billion parameters.
    B0_5,
}

macro_rules! table {
    ($size:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/fixtures/release-tensors/audio-flamingo-2-",
            $size,
            ".tsv"
        ))
    };
}

impl Size {
    /// Every size, with its short name.
    pub const ALL: [(&'static str, Size); 3] = [("3b", Size::B3), ("1.5b", Size::B1_5), ("0.5b", Size::B0_5)];

    /// Directory name of the release.
    pub fn name(self) -> &'static str {
        match self {
            Size::B3 => "audio-flamingo-2-3b",
            Size::B1_5 => "audio-flamingo-2-1.5b",
            Size::B0_5 => "audio-flamingo-2-0.5b",
        }
    }

    /// The release's repository on the hub.
    pub const fn repository(self) -> &'static str {
        match self {
            Size::B3 => "nvidia/audio-flamingo-2",
            Size::B1_5 => "nvidia/audio-flamingo-2-1.5B",
            Size::B0_5 => "nvidia/audio-flamingo-2-0.5B",
        }
    }

    /// The repository of its base language model.
    pub const fn base_repository(self) -> &'static str {
        match self {
            Size::B3 => "Qwen/Qwen2.5-3B",
            Size::B1_5 => "Qwen/Qwen2.5-1.5B",
            Size::B0_5 => "Qwen/Qwen2.5-0.5B",
        }
    }

    /// Every tensor of the release without aliases, in its order.
    pub fn tensors(self) -> impl Iterator<Item = TensorSpec> {
        let table = match self {
            Size::B3 => table!("3b"),
            Size::B1_5 => table!("1.5b"),
            Size::B0_5 => table!("0.5b"),
        };
        table.lines().skip(1).filter_map(tensor)
    }

    /// `config.json` of the base language model.
    pub fn language_model(self) -> Value {
        let (hidden, inner, layers, heads) = match self {
            Size::B3 => (2048, 11008, 36, 16),
            Size::B1_5 => (1536, 8960, 28, 12),
            Size::B0_5 => (896, 4864, 24, 14),
        };
        json!({
            "architectures": ["Qwen2ForCausalLM"],
            "bos_token_id": 151_643,
            "eos_token_id": 151_643,
            "hidden_act": "silu",
            "hidden_size": hidden,
            "intermediate_size": inner,
            "max_position_embeddings": 32768,
            "model_type": "qwen2",
            "num_attention_heads": heads,
            "num_hidden_layers": layers,
            "num_key_value_heads": 2,
            "rms_norm_eps": 1e-6,
            "rope_theta": 1_000_000.0,
            "tie_word_embeddings": true,
            "use_sliding_window": false,
            "vocab_size": 151_936,
        })
    }
}

/// `name⇥256x1x4x4⇥float32⇥role`.
fn tensor(line: &str) -> Option<TensorSpec> {
    let mut fields = line.split('\t');
    let (name, shape, dtype) = (fields.next()?, fields.next()?, fields.next()?);
    let shape = if shape == "scalar" { Vec::new() } else { shape.split('x').filter_map(|n| n.parse().ok()).collect() };
    Some(TensorSpec { name: name.into(), shape, dtype: if dtype == "int64" { Dtype::I64 } else { Dtype::F32 } })
}
