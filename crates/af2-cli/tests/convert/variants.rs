//! Releases that say the same in other words must give the same bytes.

use std::path::Path;
use std::sync::LazyLock;

use af2_convert::synth::alias;
use af2_core::weights::Scheme;
use af2_core::weights::safetensors::Dtype;
use half::{bf16, f16};
use serde_json::json;

use crate::converted::Converted;
use crate::toy::{Tensor, Toy};

const HEAD: &str = "lang_encoder.lm_head.weight";
const EMBEDDING: &str = "lang_encoder.model.embed_tokens.weight";
const FREQUENCIES: &str = "audio_transformer_clap.position_enc.inv_freq";
const LAYERS: &str = "lang_encoder.model.layers.";

fn assert_same(what: &str, edit: impl FnOnce(&mut Toy)) {
    static REFERENCE: LazyLock<Converted> = LazyLock::new(|| Toy::new().convert(Scheme::Q4).unwrap());
    let variant = Toy::edited(edit).convert(Scheme::Q4).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(variant.digests(), REFERENCE.digests(), "{what}");
    assert_eq!(variant.model.config, REFERENCE.model.config, "{what}");
}

/// A filtered checkpoint: decoder layers and the final norm moved to the language model, under its names.
fn filter(toy: &mut Toy) {
    let frozen = toy.take(|name| name.contains(".decoder_layer.") || name == "lang_encoder.model.norm.weight");
    let rename = |name: String| name.replacen("lang_encoder.", "", 1).replace("decoder_layer.", "");
    toy.lm_tensors.extend(frozen.into_iter().map(|(name, tensor)| (rename(name), tensor)));
}

#[test]
fn files_and_chunks() {
    assert_same("array of chunks", |toy| toy.metadata_is_array = true);
    assert_same("one chunk", |toy| toy.chunks = 1);
    assert_same("nine chunks", |toy| toy.chunks = 9);
}

/// As the releases on the hub are.
#[test]
fn without_settings() {
    assert_same("no configs/inference.yaml", |toy| toy.yaml.clear());
    let message = Toy::edited(|toy| {
        toy.yaml.clear();
        toy.take(|name| name == FREQUENCIES);
    });
    let message = message.failure();
    assert!(message.contains(FREQUENCIES) && message.contains("configs/inference.yaml is absent"), "{message}");
}

/// A snapshot folder of the official client's cache: every file is a link to a blob.
#[cfg(unix)]
#[test]
fn files_behind_links() {
    let toy = Toy::edited(|toy| toy.yaml.clear());
    let dir = tempfile::TempDir::new().unwrap();
    toy.write(dir.path());
    let blobs = dir.path().join("blobs");
    std::fs::create_dir(&blobs).unwrap();
    for folder in ["release/safe_ckpt", "lm"] {
        let files: Vec<_> =
            std::fs::read_dir(dir.path().join(folder)).unwrap().map(|file| file.unwrap().path()).collect();
        for file in files {
            let blob = blobs.join(file.file_name().unwrap());
            std::fs::rename(&file, &blob).unwrap();
            let up = if folder == "lm" { "../blobs" } else { "../../blobs" };
            std::os::unix::fs::symlink(Path::new(up).join(file.file_name().unwrap()), &file).unwrap();
        }
    }
    let report = af2_cli::convert::convert(&toy.options(dir.path(), Scheme::Q4), &mut |_, _| {}).unwrap();
    assert_eq!(Converted::new(dir, report).digests(), Toy::new().convert(Scheme::Q4).unwrap().digests());
}

#[test]
fn names() {
    assert_same("module.", |toy| toy.rename(|name| format!("module.{name}")));
    assert_same("afclap", |toy| toy.rename(|name| name.replace("clap.nvclap.", "clap.afclap.")));
    assert_same("wrappers", |toy| {
        toy.rename(|name| {
            let name = name.replace("decoder_layer.", "_checkpoint_wrapped_module.decoder_layer._fsdp_wrapped_module.");
            format!("module._fsdp_wrapped_module.{name}")
        });
    });
}

#[test]
fn aliases_are_dropped_or_stand_in() {
    assert_same("aliases beside", |toy| {
        let mut broken = toy.tensors.clone();
        broken.retain(|name, _| alias(name).is_some());
        for (name, tensor) in broken {
            let nan = Tensor::f32(&tensor.shape, &vec![f32::NAN; tensor.bytes.len() / 4]);
            toy.tensors.insert(alias(&name).unwrap(), nan);
        }
    });
    assert_same("aliases alone", |toy| toy.rename(|name| alias(name).unwrap_or(name.to_owned())));
}

#[test]
fn unused_tensors_do_not_matter() {
    let reference = Toy::new().convert(Scheme::Q4).unwrap();
    let used = &reference.model.index.weight_map;
    assert_same("without unused tensors", |toy| drop(toy.take(|name| !used.contains_key(name))));
    assert_same("unused tensors of any kind", |toy| {
        toy.take(|name| !used.contains_key(name));
        let odd = Tensor { dtype: Dtype::BOOL, shape: vec![3], bytes: vec![1, 0, 9] };
        toy.tensors.insert("clap.nvclap.head.weight".into(), odd);
    });
}

#[test]
fn filtered_checkpoints() {
    assert_same("frozen weights in one file", filter);
    assert_same("frozen weights in three shards", |toy| {
        filter(toy);
        toy.lm_shards = 3;
    });
    assert_same("the release overrides the language model", |toy| {
        filter(toy);
        for (name, tensor) in Toy::new().tensors {
            toy.tensors.entry(name).or_insert(tensor);
        }
        toy.lm_tensors.values_mut().for_each(|tensor| tensor.bytes.fill(0xff));
    });
}

#[test]
fn clap_weights_from_pytorch() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/clap_part.pt");
    let in_checkpoint = |name: &str| {
        ["bn0.", "norm.", "layers.0.blocks.1."].iter().any(|p| name.starts_with(&format!("clap.nvclap.{p}")))
    };
    assert_same("part of the encoder from a checkpoint", |toy| {
        assert!(toy.take(in_checkpoint).len() > 15);
        toy.clap = Some(file);
    });
    let without = Toy::edited(|toy| drop(toy.take(in_checkpoint)));
    let message = without.failure();
    assert!(message.contains("clap.nvclap.") && message.contains("--clap"), "{message}");
}

#[test]
fn the_tied_head_may_be_absent() {
    assert_same("no head", |toy| drop(toy.take(|name| name == HEAD)));
    assert_same("no head, untied in the configuration", |toy| {
        toy.take(|name| name == HEAD);
        toy.lm_config["tie_word_embeddings"] = json!(false);
    })
}

#[test]
fn an_untied_head_is_its_own_tensor() {
    let mut toy = Toy::new();
    toy.lm_config["tie_word_embeddings"] = json!(false);
    let head = toy.tensors.get_mut(HEAD).unwrap();
    *head = Tensor::f32(&head.shape, &head.values().iter().map(|x| x * 0.5).collect::<Vec<_>>());
    let expected = head.values();
    let converted = toy.convert(Scheme::F32).unwrap();
    assert!(!converted.model.config.text.tie_word_embeddings);
    assert_eq!(converted.values()[HEAD], expected);
    let embedding = converted.model.tensors.iter().find(|(tensor, _)| tensor.name == EMBEDDING).unwrap();
    assert!(!embedding.0.per_token, "with a head of its own, decoding does not read the embedding");
}

#[test]
fn a_head_of_the_language_model_loses_its_spare_rows() {
    let mut toy = Toy::new();
    toy.lm_config["tie_word_embeddings"] = json!(false);
    let mut head = toy.take(|name| name == HEAD).remove(HEAD).unwrap();
    let expected = head.values();
    head.shape[0] += 31;
    head.bytes.resize(head.bytes.len() + 31 * head.shape[1] * 4, 0);
    toy.lm_tensors.insert("lm_head.weight".into(), head);
    assert_eq!(toy.convert(Scheme::F32).unwrap().values()[HEAD], expected);
}

#[test]
fn other_element_types() {
    assert_same("F64", |toy| {
        toy.tensors.values_mut().for_each(|t| t.cast(Dtype::F64, |x| f64::from(x).to_le_bytes()));
    });
    let exact = Toy::new();
    type Cast = (&'static str, fn(&mut Tensor), fn(f32) -> f32);
    let casts: [Cast; 2] = [
        ("BF16", |t| t.cast(Dtype::BF16, |x| bf16::from_f32(x).to_le_bytes()), |x| bf16::from_f32(x).to_f32()),
        ("F16", |t| t.cast(Dtype::F16, |x| f16::from_f32(x).to_le_bytes()), |x| f16::from_f32(x).to_f32()),
    ];
    for (name, cast, rounded) in casts {
        let converted = Toy::edited(|toy| toy.tensors.values_mut().for_each(cast)).convert(Scheme::F32).unwrap();
        for (tensor, values) in converted.values() {
            let expected: Vec<f32> = exact.tensors[&tensor].values().into_iter().map(rounded).collect();
            assert_eq!(values, expected, "{tensor} from {name}");
        }
    }
}

#[test]
fn rotary_frequencies_are_computed_where_absent() {
    let toy = Toy::edited(|toy| drop(toy.take(|name| name == FREQUENCIES)));
    let computed = toy.convert(Scheme::Q4).unwrap().values().remove(FREQUENCIES).unwrap();
    let stored = Toy::new().tensors[FREQUENCIES].values();
    assert_eq!(computed.len(), stored.len());
    for (a, b) in computed.iter().zip(&stored) {
        assert!((a - b).abs() <= 2e-7 * b.abs(), "{a} computed, {b} stored");
    }
}

#[test]
fn cross_attention_in_every_second_layer() {
    let skipped =
        |name: &str| name.contains("gated_cross_attn_layer_sound") && !name.starts_with(&format!("{LAYERS}1."));
    let every_second = "cross_attn_every_n_layers: 2";
    let mut toy = Toy::new();
    toy.take(skipped);
    let message = toy.failure();
    assert!(message.contains("layers.0.gated_cross_attn_layer_sound.attn.to_q.weight` is missing"), "{message}");
    toy.yaml = toy.yaml.replace("cross_attn_every_n_layers: 1", every_second);
    assert_eq!(toy.convert(Scheme::Q4).unwrap().model.config.cross_attention.every_n_layers, 2);
    let unstated = Toy::edited(|all| {
        *all = toy.clone();
        all.yaml.clear();
    });
    assert_eq!(unstated.convert(Scheme::Q4).unwrap().model.config.cross_attention.every_n_layers, 2);
    let contradicted = Toy::edited(|all| all.yaml = toy.yaml.clone()).failure();
    assert!(contradicted.contains("cross_attn_every_n_layers is 2, but layer 0"), "{contradicted}");
}
