//! Names, sizes and values in all four schemes.

use std::collections::BTreeSet;
use std::fs;

use af2_core::text::Tokenizer;
use af2_core::weights::Scheme;
use af2_core::weights::tensor_table::{Part, Storage};
use serde_json::{Value, json};

use crate::toy::{Toy, fixture};

fn json_file(name: &str) -> Value {
    serde_json::from_slice(&fs::read(fixture().join(name)).unwrap()).unwrap()
}

/// Tensors the original uses, less those that follow from the rest.
fn used() -> BTreeSet<String> {
    let derived = |name: &str| {
        name.ends_with("relative_position_index")
            || name.ends_with("attn_mask")
            || name == "lang_encoder.lm_head.weight"
    };
    let tensors = json_file("tensors.json");
    let used =
        tensors.as_object().unwrap().iter().filter(|(name, tensor)| tensor["used"] == json!(true) && !derived(name));
    used.map(|(name, _)| name.clone()).collect()
}

#[test]
fn every_used_tensor_is_written_once_and_nothing_else() {
    for scheme in Scheme::ALL {
        let converted = Toy::new().convert(scheme).unwrap();
        let names: BTreeSet<String> =
            converted.model.index.weight_map.keys().filter(|name| !name.ends_with(".scales")).cloned().collect();
        assert_eq!(names, used(), "{scheme}");
        assert_eq!(converted.report.bytes, converted.model.index.metadata.total_size);
        assert_eq!(converted.report.shards, converted.model.index.shards.len());
    }
}

#[test]
fn values_are_the_packed_originals() {
    let toy = Toy::new();
    for asked in Scheme::ALL {
        let converted = toy.convert(asked).unwrap();
        let values = converted.values();
        for (tensor, stored) in &converted.model.tensors {
            let wanted = match (tensor.storage, tensor.part, asked) {
                (Storage::Exact, ..) => Scheme::F32,
                (_, Part::Encoder | Part::AudioTransformer, Scheme::Q4) => Scheme::Q8.or_f16(stored.cols),
                _ => asked.or_f16(stored.cols),
            };
            assert_eq!(stored.scheme, wanted, "{}", tensor.name);
            let source = toy.tensors[&tensor.name].values();
            let packed = wanted.pack(stored.rows, stored.cols, &source).unwrap();
            let expected = wanted.unpack(stored.rows, stored.cols, &packed.data, &packed.scales).unwrap();
            assert_eq!(values[&tensor.name], expected, "{} in {asked}", tensor.name);
            if wanted == Scheme::F32 {
                assert_eq!(values[&tensor.name], source, "{} stays exact", tensor.name);
            }
        }
    }
}

#[test]
fn a_matrix_that_does_not_fit_is_recorded_as_f16() {
    let index = Toy::new().convert(Scheme::Q4).unwrap().model.index;
    let narrow = &index.quantization["clap.nvclap.layers.0.blocks.0.attn.qkv.weight"]; // 16 columns
    assert_eq!((narrow.scheme, narrow.group_size, &narrow.scales), (Scheme::F16, None, &None));
    let wide = &index.quantization["lang_encoder.model.embed_tokens.weight"];
    assert_eq!((wide.scheme, wide.group_size), (Scheme::Q4, Some(16)));
    assert!(index.weight_map.contains_key(wide.scales.as_ref().unwrap()));
}

#[test]
fn dimensions_and_tokens_are_inferred() {
    let converted = Toy::new().convert(Scheme::Q4).unwrap();
    let (config, info) = (&converted.model.config, json_file("model_info.json"));
    let found = json!({
        "embed_dim": config.encoder.embed_dim, "depths": config.encoder.depths, "num_heads": config.encoder.num_heads,
    });
    for (field, value) in found.as_object().unwrap() {
        assert_eq!(&info["htsat"][field], value, "{field}");
    }
    assert_eq!(info["vocab_rows"], json!(config.text.vocab_size));
    assert_eq!(info["special_ids"]["<SEP>"], json!(config.tokens.separator));
    assert_eq!(info["special_ids"]["<|endoftext|>"], json!(config.tokens.end_of_text));
    assert_eq!(config.cross_attention.num_heads, 8);
    let written = Tokenizer::from_json(&fs::read(converted.path().join("tokenizer.json")).unwrap()).unwrap();
    let reference = Tokenizer::from_json(&fs::read(fixture().join("tokenizer_extended.json")).unwrap()).unwrap();
    let text = "<audio>what is this sound?<SEP>It's 3 dogs<|endofchunk|><|endoftext|>";
    assert_eq!(written.encode(text).unwrap(), reference.encode(text).unwrap());
    assert_eq!(written.vocab_size(), reference.vocab_size());
}

#[test]
fn a_shard_holds_at_least_one_tensor_and_at_most_its_size() {
    let toy = Toy::new();
    let dir = tempfile::TempDir::new().unwrap();
    toy.write(dir.path());
    let options = af2_cli::convert::ConvertOptions { shard_bytes: 100_000, ..toy.options(dir.path(), Scheme::Q4) };
    let mut last = (0, 0);
    af2_cli::convert::convert(&options, &mut |done, total| {
        assert!(done > last.0 && done <= total);
        last = (done, total);
    })
    .unwrap();
    assert_eq!(last.0, last.1, "progress ends at the total");
    let model = af2_cli::model::ModelDir::open(&options.out_dir).unwrap();
    assert!(model.index.shards.len() > 10);
    for name in model.index.shards.keys() {
        let tensors = model.tensors.iter().filter(|(_, stored)| &stored.data.shard == name);
        let bytes: Vec<u64> = tensors.map(|(_, stored)| stored.bytes()).collect();
        assert!(bytes.len() == 1 || bytes.iter().sum::<u64>() <= 100_000, "{name}: {bytes:?}");
        assert!(!bytes.is_empty(), "{name} holds no data");
    }
}
