//! The CPU engine on the command line: asked for, as fallback, and refused where it makes no sense.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const QUESTION: &str = "Caption the input audio.";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn speech() -> PathBuf {
    repository().join("tests/fixtures/inputs/speech_16k_mono.wav")
}

/// `af2 ask` about speech with the shipped toy model, with or without a Vulkan driver.
fn ask(driver: bool, rest: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_af2"));
    command.arg("ask").arg(repository().join("weights/toy"));
    command.arg(speech()).args(rest);
    if !driver {
        without_driver(&mut command);
    }
    command.output().unwrap()
}

fn without_driver(command: &mut Command) {
    command.env("VK_ICD_FILENAMES", "/nonexistent").env("VK_DRIVER_FILES", "/nonexistent");
    command.env("WGPU_BACKEND", "vulkan");
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What is said on stderr beside how sure the answers are.
fn notes(output: &Output) -> String {
    stderr(output).lines().filter(|line| !line.starts_with("confidence ")).collect()
}

#[test]
fn answers_as_the_gpu_does() {
    let on_cpu = ask(true, &[QUESTION, "Is someone speaking?", "--engine", "cpu"]);
    assert_eq!(stdout(&on_cpu), stdout(&ask(true, &[QUESTION, "Is someone speaking?", "--engine", "gpu"])));
    assert_eq!(notes(&on_cpu), "");
    let constrained =
        |engine| stdout(&ask(true, &[QUESTION, "--choices", "a dog barks,a person sings", "--engine", engine]));
    assert_eq!(constrained("cpu"), constrained("gpu"));
    let beams = |engine| stdout(&ask(true, &[QUESTION, "--beams", "3", "--engine", engine]));
    assert_eq!(beams("cpu"), beams("gpu"));
}

#[test]
fn without_a_driver_the_cpu_answers_and_says_so() {
    let output = ask(false, &[QUESTION, "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(answer["finish_reason"], "stop");
    assert!(answer["adapter"].as_str().unwrap().contains("CPU"));
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    assert!(stderr(&output).contains("no GPU adapter was found, so the CPU answers"));
    assert_eq!(notes(&ask(false, &[QUESTION, "--engine", "cpu"])), "", "asked for, nothing to say");
}

#[test]
fn a_software_adapter_is_taken_only_when_asked_for() {
    let doctor = Command::new(env!("CARGO_BIN_EXE_af2")).args(["doctor", "--json"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_str(&stdout(&doctor)).unwrap();
    let adapters = report["adapters"].as_array().unwrap();
    let used = adapters.iter().find(|adapter| adapter["name"] == report["used"]).unwrap();
    let software = used["software"] == true;
    let said = ask(true, &[QUESTION, "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&stdout(&said)).unwrap();
    assert_eq!(answer["adapter"].as_str().unwrap().contains("CPU"), software, "{answer}");
    assert_eq!(stderr(&said).contains("is a software adapter"), software, "{}", stderr(&said));
    let profile = ask(true, &[QUESTION, "--profile"]);
    assert!(stdout(&profile).starts_with("a person"), "{}", stdout(&profile));
    assert!(!stderr(&profile).contains("CPU"), "the shaders were asked for: {}", stderr(&profile));
}

#[test]
fn a_gpu_that_was_asked_for_is_not_replaced() {
    for wanted in [["--engine", "gpu"], ["--adapter", "lavapipe"]] {
        let output = ask(false, &[&[QUESTION][..], &wanted].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        assert!(stderr(&output).contains("no GPU adapter"), "{}", stderr(&output));
    }
    let both = ask(true, &[QUESTION, "--engine", "cpu", "--adapter", "lavapipe"]);
    assert_eq!(both.status.code(), Some(1));
    assert!(stderr(&both).contains("leave it out with --engine cpu"), "{}", stderr(&both));
}

#[test]
fn samples_are_repeatable_and_stop_where_told() {
    let sampled =
        |seed| stdout(&ask(true, &["What?", "--engine", "cpu", "--sample", "--temperature", "2", "--seed", seed]));
    assert_eq!(sampled("7"), sampled("7"));
    assert_ne!(sampled("7"), sampled("8"));
    let whole = stdout(&ask(true, &[QUESTION, "--engine", "cpu"]));
    let stop = whole.split_whitespace().nth(3).unwrap();
    let cut = stdout(&ask(true, &[QUESTION, "--engine", "cpu", "--stop", stop]));
    assert_eq!(cut.trim_end_matches('\n'), whole.split(stop).next().unwrap());
}

#[test]
fn traces_name_the_same_stages() {
    let dir = tempfile::tempdir().unwrap();
    let header = |engine: &str| {
        let out = dir.path().join(engine);
        let mut trace = Command::new(env!("CARGO_BIN_EXE_af2"));
        trace.arg("trace").arg(repository().join("weights/toy")).arg(speech()).arg(QUESTION);
        stdout(&trace.arg("--out").arg(&out).args(["--engine", engine]).output().unwrap());
        let bytes = std::fs::read(out).unwrap();
        let length = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
        bytes[8..8 + length].to_vec()
    };
    assert_eq!(header("cpu"), header("gpu"));
}

#[test]
fn doctor_knows_the_cpu() {
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_af2"));
    without_driver(doctor.arg("doctor"));
    let report = stdout(&doctor.output().unwrap());
    assert!(report.contains("no GPU adapter found") && report.contains("CPU"), "{report}");
    let report = stdout(&doctor.arg("--json").output().unwrap());
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert!(report["used"].as_str().unwrap().contains("CPU"));
}

#[test]
fn doctor_compares_a_model_with_what_its_index_lists() {
    let folder = tempfile::tempdir().unwrap();
    let toy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/toy");
    for entry in std::fs::read_dir(toy).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let doctor = |options: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_af2")).arg("doctor").arg(folder.path()).args(options).output().unwrap()
    };
    assert!(stdout(&doctor(&["--engine", "cpu"])).contains("not verified"));
    assert!(stdout(&doctor(&["--engine", "cpu", "--record"])).contains("recorded on"));
    assert!(stdout(&doctor(&["--engine", "gpu"])).contains(": verified,"));
    let index = folder.path().join("model.safetensors.index.json");
    let mut listed: serde_json::Value = serde_json::from_slice(&std::fs::read(&index).unwrap()).unwrap();
    listed["metadata"]["self_test"]["ids"][0] = 1.into();
    std::fs::write(&index, listed.to_string()).unwrap();
    let wrong = doctor(&["--engine", "gpu"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(stderr(&wrong).contains("computes wrong numbers"), "{}", stderr(&wrong));
}

/// Speech as the second of two channels, beside silence.
fn beside_silence(folder: &Path) -> PathBuf {
    let mono = std::fs::read(speech()).unwrap();
    let at = mono.windows(4).position(|tag| tag == b"data").unwrap() + 8;
    let samples: Vec<u8> = mono[at..].chunks_exact(2).flat_map(|sample| [0, 0, sample[0], sample[1]]).collect();
    let mut file = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x02\0".to_vec();
    file.extend([16_000u32.to_le_bytes(), 64_000u32.to_le_bytes()].concat());
    file.extend(b"\x04\0\x10\0data");
    file.extend((samples.len() as u32).to_le_bytes());
    file.extend(samples);
    let path = folder.join("stereo.wav");
    std::fs::write(&path, file).unwrap();
    path
}

#[test]
fn a_channel_is_chosen_and_doubts_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let stereo = beside_silence(folder.path());
    let ask = |audio: &Path, rest: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_af2"));
        command.arg("ask").arg(repository().join("weights/toy")).arg(audio).arg(QUESTION);
        command.args(["--engine", "cpu", "--json"]).args(rest).output().unwrap()
    };
    let answer = |output: &Output| serde_json::from_str::<serde_json::Value>(&stdout(output)).unwrap();
    let (left, right) = (ask(&stereo, &[]), ask(&stereo, &["--channel", "2"]));
    assert!(stderr(&left).contains("--channel 2"), "{}", stderr(&left));
    assert!(answer(&left)["notices"][0].as_str().unwrap().contains("channel 1, which is heard, is silent"));
    assert_eq!(stderr(&right), "");
    assert_eq!(answer(&right)["ids"], answer(&ask(&speech(), &[]))["ids"]);
    assert_eq!(answer(&ask(&stereo, &["--channel", "mix"]))["ids"], answer(&right)["ids"], "half as loud is as loud");
    for (wrong, code, message) in
        [("3", 1, "there is no channel 3; the audio has channels 1 to 2"), ("0", 2, "1, 2, … or mix")]
    {
        let output = ask(&stereo, &["--channel", wrong]);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
}

#[test]
fn what_long_audio_takes_is_said_before() {
    let long = repository().join("tests/fixtures/inputs/long_8k_127s.flac");
    let mut command = Command::new(env!("CARGO_BIN_EXE_af2"));
    command.arg("ask").arg(repository().join("weights/toy")).arg(long).arg(QUESTION);
    let output = command.args(["--engine", "cpu", "--max-windows", "13"]).output().unwrap();
    assert!(stderr(&output).contains("13 windows take about 0.3 GB of memory"), "{}", stderr(&output));
    stdout(&output);
}
