//! `af2 ask`, `trace` and `doctor` as people run them: output, exit codes, and one clear line for everything that is wrong.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use af2_cli::convert::{ConvertOptions, convert};
use af2_core::weights::Scheme;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures")
}

fn speech() -> PathBuf {
    fixtures().join("inputs/speech_16k_mono.wav")
}

/// The toy model in float32, converted once.
fn model() -> &'static Path {
    static MODEL: OnceLock<tempfile::TempDir> = OnceLock::new();
    let dir = MODEL.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let options = ConvertOptions {
            release_dir: fixtures().join("tiny-a"),
            out_dir: dir.path().join("model"),
            lm_dir: Some(fixtures().join("tiny-a/lang_encoder")),
            clap_file: None,
            scheme: Scheme::F32,
            shard_bytes: 4 << 20,
        };
        convert(&options, &mut |_, _| {}).unwrap();
        dir
    });
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| dir.path().join("model"))
}

/// A copy of the model with one file changed.
fn damaged(file: &str, change: impl FnOnce(Vec<u8>) -> Option<Vec<u8>>) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(model()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let path = copy.path().join(file);
    match change(fs::read(&path).unwrap()) {
        Some(bytes) => fs::write(path, bytes).unwrap(),
        None => fs::remove_file(path).unwrap(),
    }
    copy
}

/// Removes the small files from a model's index, as earlier versions wrote it.
fn unlist(model: &Path) {
    let path = model.join("model.safetensors.index.json");
    let mut index: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert!(index.as_object_mut().unwrap().remove("files").is_some());
    fs::write(path, index.to_string()).unwrap();
}

fn af2(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_af2")).args(arguments).output().unwrap()
}

/// With the shaders, whatever the adapter is.
fn ask(model: &Path, audio: &Path, rest: &[&str]) -> Output {
    let mut arguments = vec!["ask", "--engine", "gpu", model.to_str().unwrap(), audio.to_str().unwrap()];
    arguments.extend(rest);
    af2(&arguments)
}

/// The command failed with exit code 1, printed nothing on stdout, and its last line on stderr holds all of `words`.
fn assert_fails(output: &Output, words: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(output.stdout.is_empty());
    assert!(!stderr.contains("panicked"), "{stderr}");
    let last = stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("af2: "), "{stderr}");
    for word in words {
        assert!(last.contains(word), "`{word}` is not in: {last}");
    }
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn streams_the_answer() {
    assert_eq!(
        text(&ask(model(), &speech(), &["Caption the input audio."])),
        "a person is speaking in a small room.\n"
    );
}

#[test]
fn several_questions_as_json_lines() {
    let output = text(&ask(model(), &speech(), &["Caption the input audio.", "Is someone speaking?", "--json"]));
    let lines: Vec<serde_json::Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["text"], "a person is speaking in a small room.");
    assert_eq!(lines[0]["finish_reason"], "stop");
    assert_eq!(lines[0]["windows"], 1);
    assert!(lines[1]["timings"]["generate"].as_f64().unwrap() > 0.0);
    assert!(!lines[0]["adapter"].as_str().unwrap().is_empty());
}

#[test]
fn stop_strings_beams_and_limits() {
    let question = "Caption the input audio.";
    assert_eq!(text(&ask(model(), &speech(), &[question, "--stop", " in a"])), "a person is speaking\n");
    assert_eq!(text(&ask(model(), &speech(), &[question, "--beams", "3"])), "a person is speaking in a small room.\n");
    let short = text(&ask(model(), &speech(), &[question, "--max-new-tokens", "2", "--json"]));
    let short: serde_json::Value = serde_json::from_str(&short).unwrap();
    assert_eq!((short["ids"].as_array().unwrap().len(), &short["finish_reason"]), (2, &"length".into()));
}

#[test]
fn the_same_seed_gives_the_same_answer() {
    let sampled =
        |seed: &str| text(&ask(model(), &speech(), &["What?", "--sample", "--temperature", "2", "--seed", seed]));
    assert_eq!(sampled("7"), sampled("7"));
    assert_ne!(sampled("7"), sampled("8"));
}

#[test]
fn an_empty_question_is_asked_as_in_the_original() {
    let output = text(&ask(model(), &speech(), &["", "--json"]));
    let answer: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!(answer["prompt_ids"].as_array().unwrap().len(), 2, "<audio> and <SEP>");
}

#[test]
fn a_question_over_the_limit_is_cut_with_a_warning() {
    let long = "what is that sound ".repeat(200);
    let output = ask(model(), &speech(), &[&long, "--max-new-tokens", "2", "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&text(&output)).unwrap();
    assert_eq!(answer["prompt_ids"].as_array().unwrap().len(), 512);
    assert!(String::from_utf8_lossy(&output.stderr).contains("cut to 512"));
}

#[test]
fn chain_of_thought_runs_to_its_limits() {
    let output = text(&ask(model(), &speech(), &["Explain.", "--cot", "--max-new-tokens", "20", "--json"]));
    let answer: serde_json::Value = serde_json::from_str(&output).unwrap();
    let answer = answer["text"].as_str().unwrap();
    assert_eq!(answer, answer.to_lowercase());
}

#[test]
fn damaged_models_are_named() {
    let shard = "model-00001-of-00004.safetensors";
    let first = fs::read_dir(model())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|n| n.ends_with(".safetensors"))
        .min()
        .unwrap();
    let shard = if model().join(shard).exists() { shard } else { &first };
    let question = &["What?"];
    let truncated = damaged(shard, |mut bytes| {
        bytes.truncate(bytes.len() / 2);
        Some(bytes)
    });
    assert_fails(&ask(truncated.path(), &speech(), question), &[shard, "bytes", "again"]);
    let flipped = damaged(shard, |mut bytes| {
        let at = bytes.len() - 100;
        bytes[at] ^= 1;
        Some(bytes)
    });
    assert_fails(&ask(flipped.path(), &speech(), question), &[shard, "SHA-256"]);
    let missing = damaged(shard, |_| None);
    assert_fails(&ask(missing.path(), &speech(), question), &[shard]);
    let no_config = damaged("config.json", |_| None);
    assert_fails(&ask(no_config.path(), &speech(), question), &["config.json", "af2 convert"]);
    let hostile = damaged("config.json", |bytes| {
        let mut config: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        config["text"]["vocab_size"] = (1_u64 << 40).into();
        Some(serde_json::to_vec(&config).unwrap())
    });
    assert_fails(&ask(hostile.path(), &speech(), question), &["vocab_size"]);
    let lost_tensor = damaged("model.safetensors.index.json", |bytes| {
        let mut index: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        index["weight_map"].as_object_mut().unwrap().remove("lang_encoder.model.norm.weight");
        Some(serde_json::to_vec(&index).unwrap())
    });
    assert_fails(&ask(lost_tensor.path(), &speech(), question), &["lang_encoder.model.norm.weight"]);
    let wide = damaged("config.json", |bytes| {
        let mut config: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        config["text"]["intermediate_size"] = 384.into();
        Some(serde_json::to_vec(&config).unwrap())
    });
    assert_fails(&ask(wide.path(), &speech(), question), &["`config.json` is not the file that the index lists"]);
    unlist(wide.path());
    assert_fails(&ask(wide.path(), &speech(), question), &["mlp.gate_proj.weight", "expected F32 [384, 128]"]);
}

/// Replaces text of a small file by text that is as valid.
fn edited(file: &str, from: &str, to: &str) -> tempfile::TempDir {
    damaged(file, |bytes| {
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(from), "{text}");
        Some(text.replacen(from, to, 1).into_bytes())
    })
}

#[test]
fn an_edited_file_is_refused_until_it_is_accepted() {
    let limit = |model: &Path| {
        let question = ["What?", "--max-new-tokens", "1", "--json"];
        let long = fixtures().join("inputs/long_8k_127s.flac");
        let answer: serde_json::Value = serde_json::from_str(&text(&ask(model, &long, &question))).unwrap();
        answer["windows"].as_u64().unwrap()
    };
    for (file, from, to) in [
        ("config.json", "\"max_num_window\": 12", "\"max_num_window\": 1"),
        ("generation_config.json", "\"top_k\": 30", "\"top_k\": 31"),
        ("tokenizer.json", "{", "{ "),
    ] {
        let model = edited(file, from, to);
        let [dir, words] = [model.path().to_str().unwrap(), file];
        assert_fails(&ask(model.path(), &speech(), &["What?"]), &[words, "--update-hashes"]);
        assert_fails(&af2(&["ask", "--engine", "cpu", dir, speech().to_str().unwrap(), "What?"]), &[words, "SHA-256"]);
        assert_fails(&af2(&["inspect", dir]), &[words, "--update-hashes"]);
        let before = fs::read_to_string(model.path().join("model.safetensors.index.json")).unwrap();
        text(&af2(&["inspect", dir, "--update-hashes", "--verify"]));
        let after = fs::read_to_string(model.path().join("model.safetensors.index.json")).unwrap();
        let changed = before.lines().zip(after.lines()).filter(|(before, after)| before != after).count();
        assert!(before != after && changed <= 2, "only the size and the hash of {file} change: {changed} lines");
        if file == "config.json" {
            assert_eq!(limit(model.path()), 1);
        }
    }
}

#[test]
fn a_model_that_lists_no_small_files_is_used_with_a_notice() {
    let model = damaged("config.json", Some);
    unlist(model.path());
    let output = ask(model.path(), &speech(), &["What?", "--max-new-tokens", "1", "--json"]);
    let notes = String::from_utf8_lossy(&output.stderr).into_owned();
    let notice = "lists no SHA-256 of config.json, generation_config.json, tokenizer.json: not verified";
    assert_eq!(notes.lines().filter(|line| line.starts_with("af2: ") && line.contains(notice)).count(), 1, "{notes}");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(answer["notices"][0].as_str().unwrap().contains(notice), "{answer}");
    let report: serde_json::Value =
        serde_json::from_str(&text(&af2(&["inspect", model.path().to_str().unwrap(), "--json"]))).unwrap();
    assert!(report["notices"][0].as_str().unwrap().contains(notice), "{report}");
    text(&af2(&["inspect", model.path().to_str().unwrap(), "--update-hashes"]));
    let output = ask(model.path(), &speech(), &["What?", "--max-new-tokens", "1", "--json"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn files_without_audio_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let whole = fs::read(speech()).unwrap();
    assert_fails(&ask(model(), &write("empty.wav", b""), &["What?"]), &["empty.wav", "empty"]);
    assert_fails(&ask(model(), &write("noise.mp3", &[7; 5000]), &["What?"]), &["noise.mp3"]);
    assert_fails(&ask(model(), &write("head.wav", &whole[..44]), &["What?"]), &["head.wav"]);
    assert_fails(&ask(model(), Path::new("/no/such/sound.wav"), &["What?"]), &["/no/such/sound.wav"]);
}

#[test]
fn settings_outside_their_range_are_named() {
    assert_fails(&ask(model(), &speech(), &["What?", "--top-p", "1.5"]), &["top_p", "1.5"]);
    assert_fails(&ask(model(), &speech(), &["What?", "--beams", "2", "--sample"]), &["--beams"]);
    assert_fails(&ask(model(), &speech(), &["What?", "--max-new-tokens", "5000"]), &["prompt"]);
    assert_fails(&ask(model(), &speech(), &["What?", "--adapter", "no such adapter"]), &["no such adapter"]);
    assert_eq!(af2(&["ask"]).status.code(), Some(2), "wrong usage");
}

#[test]
fn no_adapter_where_a_gpu_was_asked_for_is_one_line() {
    let output = Command::new(env!("CARGO_BIN_EXE_af2"))
        .args(["ask", model().to_str().unwrap(), speech().to_str().unwrap(), "What?", "--engine", "gpu"])
        .env("VK_ICD_FILENAMES", "/nonexistent")
        .env("VK_DRIVER_FILES", "/nonexistent")
        .env("WGPU_BACKEND", "vulkan")
        .output()
        .unwrap();
    assert_fails(&output, &["no GPU adapter", "mesa-vulkan-drivers"]);
}

#[test]
fn doctor_tests_the_kernels() {
    let report: serde_json::Value = serde_json::from_str(&text(&af2(&["doctor", "--json"]))).unwrap();
    assert!(report["self_test"].as_array().unwrap().iter().all(|test| test["passed"] == true));
    assert!(!report["adapters"].as_array().unwrap().is_empty());
    assert!(report["tuning"].as_str().unwrap().split(' ').count() == 5 && report["tuning_measured"].is_boolean());
}

#[test]
fn trace_writes_every_stage() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("trace.safetensors");
    let codes = fixtures().join("golden/audio/speech_16k_mono.wav.safetensors");
    let arguments = [
        "trace",
        model().to_str().unwrap(),
        "ignored.wav",
        "Caption the input audio.",
        "--out",
        out.to_str().unwrap(),
        "--codes",
        codes.to_str().unwrap(),
    ];
    text(&af2(&arguments));
    let bytes = fs::read(&out).unwrap();
    let names = [
        "logmel",
        "image",
        "patch_embed",
        "swin_stage3",
        "swin_norm",
        "encoder_tokens",
        "audio_transformer_in",
        "audio_transformer_layer1",
        "audio_transformer_out",
        "xattn2_kv",
        "xattn0_attn_raw",
        "xattn1_out",
        "embed",
        "flamingo_layer2",
        "final_norm",
        "logits",
        "prompt_ids",
        "new_ids",
        "step_logits",
    ];
    let header = String::from_utf8_lossy(&bytes[..20_000.min(bytes.len())]).into_owned();
    for name in names {
        assert!(header.contains(&format!("\"{name}\"")), "{name}");
    }
}

#[test]
fn what_of_a_file_is_missing_is_said_in_both_outputs() {
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.wav");
    let whole = fs::read(speech()).unwrap();
    fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let output = ask(model(), &cut, &["What?", "--json", "--max-new-tokens", "1"]);
    let notes = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{notes}");
    assert!(notes.lines().any(|line| line.starts_with("af2: ") && line.contains("cut short")), "{notes}");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(answer["notices"][0].as_str().unwrap().contains("cut short"), "{answer}");
}

#[test]
fn the_rules_of_mp3_can_be_asked_for() {
    let stereo = fixtures().join("inputs/stereo_44k1_12s7.flac");
    let seconds = |rest: &[&str]| {
        let output = ask(model(), &stereo, &[&["What?", "--json", "--max-new-tokens", "1"], rest].concat());
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["seconds"].as_f64().unwrap()
    };
    // The linear rate change ends with the last frame, the band-limited one is filled up to the next sample.
    assert_eq!(seconds(&[]), seconds(&["--as", "pcm"]));
    assert!((seconds(&["--as", "mp3"]) - seconds(&[])).abs() < 1e-3);
    assert_fails(&ask(model(), Path::new("https://example.org/a.wav"), &["What?"]), &["URL", "download"]);
}
