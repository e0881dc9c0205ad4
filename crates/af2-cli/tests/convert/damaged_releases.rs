//! Releases that cannot be converted: one line each, naming the thing.

use std::fs;
use std::path::Path;

use af2_cli::convert::convert;
use af2_core::weights::Scheme;
use af2_core::weights::safetensors::Dtype;
use serde_json::json;
use tempfile::TempDir;

use crate::toy::Toy;

const DOWN: &str = "lang_encoder.model.layers.1.decoder_layer.mlp.down_proj.weight";
const FC1: &str = "clap.nvclap.layers.2.blocks.1.mlp.fc1.weight";

fn assert_failure(expected: &[&str], edit: impl FnOnce(&mut Toy)) {
    let message = Toy::edited(edit).failure();
    assert!(!message.contains('\n'), "one line: {message}");
    expected.iter().for_each(|part| assert!(message.contains(part), "`{part}` in: {message}"));
}

/// The message after one edit of the written files.
fn after(edit: impl FnOnce(&Path)) -> String {
    let (toy, dir) = (Toy::new(), TempDir::new().unwrap());
    toy.write(dir.path());
    edit(dir.path());
    let message = convert(&toy.options(dir.path(), Scheme::Q4), &mut |_, _| {}).unwrap_err().to_string();
    assert!(!message.contains('\n'), "one line: {message}");
    message
}

#[test]
fn tensors_at_fault_are_named() {
    assert_failure(&[DOWN, "is missing", "[128, 352]", "--lm"], |toy| drop(toy.take(|name| name == DOWN)));
    assert_failure(&[FC1, "is missing", "--clap"], |toy| drop(toy.take(|name| name == FC1)));
    assert_failure(&[FC1, "shape [64, 256]", "expected [256, 64]"], |toy| {
        toy.tensors.get_mut(FC1).unwrap().shape = vec![64, 256];
    });
    assert_failure(&[DOWN, "NaN at element 1234"], |toy| {
        toy.tensors.get_mut(DOWN).unwrap().bytes[4 * 1234..4 * 1235].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    assert_failure(&["bn0.running_var", "-inf at element 3"], |toy| {
        let tensor = toy.tensors.get_mut("clap.nvclap.bn0.running_var").unwrap();
        tensor.bytes[12..16].copy_from_slice(&f32::NEG_INFINITY.to_le_bytes());
    });
    assert_failure(&[DOWN, "I32", "expected F32"], |toy| toy.tensors.get_mut(DOWN).unwrap().dtype = Dtype::I32);
    assert_failure(&["layers.2.blocks.0.", "is missing"], |toy| {
        toy.take(|name| name.starts_with("clap.nvclap.layers.2.blocks.0."));
    });
    assert_failure(&["embed_tokens", "at least 609 rows"], |toy| {
        let tensor = toy.tensors.get_mut("lang_encoder.model.embed_tokens.weight").unwrap();
        tensor.shape[0] -= 1;
        tensor.bytes.truncate(608 * 128 * 4);
    });
}

#[test]
fn configurations_that_contradict_the_tensors() {
    let yaml = |from: &'static str, to: &'static str| {
        move |toy: &mut Toy| {
            assert!(toy.yaml.contains(from));
            toy.yaml = toy.yaml.replace(from, to);
        }
    };
    assert_failure(
        &["inference.yaml: audio_embed_dim is 64", "128"],
        yaml("audio_embed_dim: 128", "audio_embed_dim: 64"),
    );
    assert_failure(&["inference.yaml", "n_head is 3", "divisor of 128"], yaml("n_head: 2", "n_head: 3"));
    assert_failure(&["inference.yaml", "n_layers is 5", "2"], yaml("n_layers: 2", "n_layers: 5"));
    assert_failure(&["inference.yaml"], yaml("model_config:", "model_config: ["));
    assert_failure(&["config.json of the language model: hidden_size is 256"], |toy| {
        toy.lm_config["hidden_size"] = json!(256);
    });
    assert_failure(&["config.json of the language model", "\"four\", expected usize"], |toy| {
        toy.lm_config["num_attention_heads"] = json!("four");
    });
    assert_failure(&["text.num_attention_heads", "0"], |toy| toy.lm_config["num_attention_heads"] = json!(0));
    assert_failure(&["q_proj.weight", "expected [80, 128]"], |toy| {
        toy.lm_config["num_attention_heads"] = json!(10);
        toy.lm_config["head_dim"] = json!(8);
    });
    assert_failure(&["rope scaling yarn"], |toy| toy.lm_config["rope_scaling"] = json!({"type": "yarn"}));
}

#[test]
fn damaged_chunks() {
    let chunk = |dir: &Path| dir.join("release/safe_ckpt/part-2.safetensors");
    let cut = |bytes: usize| {
        move |dir: &Path| {
            let file = fs::read(chunk(dir)).unwrap();
            fs::write(chunk(dir), &file[..file.len().min(bytes)]).unwrap();
        }
    };
    assert!(after(cut(1_000_000)).contains("part-2.safetensors: tensor `"));
    assert!(after(cut(100)).contains("does not fit a file of 100 bytes"));
    assert!(after(cut(3)).contains("does not fit a file of 3 bytes"));
    let replace = |bytes: Vec<u8>| move |dir: &Path| fs::write(chunk(dir), &bytes).unwrap();
    assert!(after(replace(b"\xff\xff\xff\xff\xff\xff\xff\x7f{}".to_vec())).contains("more than the limit"));
    let hostile = br#"{"w":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#;
    let file = [&(hostile.len() as u64).to_le_bytes(), hostile.as_slice()].concat();
    assert!(after(replace(file)).contains("tensor `w`: shape"));
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:5a5a\nsize 4000000000\n";
    assert!(after(replace(pointer.into())).contains("part-2.safetensors is a Git LFS pointer"));
    assert!(after(|dir| fs::remove_file(chunk(dir)).unwrap()).contains("cannot open"));
}

#[test]
fn absent_or_hostile_small_files() {
    let metadata = |dir: &Path| dir.join("release/safe_ckpt/metadata.json");
    assert!(after(|dir| fs::remove_file(metadata(dir)).unwrap()).contains("metadata.json"));
    assert!(after(|dir| fs::write(metadata(dir), "[".repeat(100_000)).unwrap()).contains("metadata.json"));
    assert!(after(|dir| fs::write(metadata(dir), r#"["../../lm/x"]"#).unwrap()).contains("not a plain file name"));
    assert!(after(|dir| fs::remove_dir_all(dir.join("release")).unwrap()).contains("cannot open"));
    assert!(after(|dir| fs::remove_file(dir.join("lm/tokenizer.json")).unwrap()).contains("tokenizer"));
    assert!(after(|dir| fs::write(dir.join("lm/model.safetensors.index.json"), "{}").unwrap()).contains("weight_map"));
}

#[test]
fn a_pytorch_file_that_is_none() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("epoch_16.pt");
    for contents in [&b"PK\x03\x04 not a zip"[..], b"", b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R."] {
        fs::write(&file, contents).unwrap();
        assert_failure(&["epoch_16.pt: "], |toy| toy.clap = Some(file.clone()));
    }
    assert_failure(&["absent.pt"], |toy| toy.clap = Some(dir.path().join("absent.pt")));
}

#[test]
fn nothing_is_overwritten() {
    let message = after(|dir| {
        fs::create_dir(dir.join("out")).unwrap();
        fs::write(dir.join("out/precious"), "x").unwrap();
    });
    assert!(message.contains("exists and is not empty"), "{message}");
}
