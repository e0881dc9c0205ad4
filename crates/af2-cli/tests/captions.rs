//! Captions, indexes and searches as a user makes them, with the demo model on the CPU.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const MODEL: &str = "weights/demo/model";
const SOUNDS: &str = "weights/demo/sounds";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_af2"));
    command.current_dir(repository()).args(arguments).args(["--engine", "cpu"]);
    command
}

fn af2(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a command prints that succeeds.
fn text(arguments: &[&str]) -> String {
    let output = af2(arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// What a command says in one line that fails.
fn refusal(arguments: &[&str]) -> String {
    let output = af2(arguments);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{}", stderr(&output));
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    stderr(&output)
}

/// Captions of a table: start, end, text.
fn table(csv: &str) -> Vec<(f64, f64, String)> {
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[0].parse().unwrap(), fields[1].parse().unwrap(), fields[2].to_owned())
    };
    csv.lines().skip(1).map(row).collect()
}

#[test]
fn captions_say_what_is_heard_when() {
    let long = format!("{SOUNDS}/two-minutes.ogg");
    let output = af2(&["captions", MODEL, &long, "--where", "--format", "csv"]);
    assert!(output.status.success() && stderr(&output).contains("9 windows have no caption"), "{}", stderr(&output));
    let captions = table(std::str::from_utf8(&output.stdout).unwrap());
    assert!(captions.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{captions:?}");
    assert_eq!(captions.len(), 3, "the windows between hold noise: {captions:?}");
    for (window, heard) in [(10.0, "speech"), (50.0, "piano"), (100.0, "horse")] {
        let found = captions.iter().find(|caption| caption.2 == heard).unwrap();
        assert!(found.0 >= window && found.1 <= window + 10.0, "{found:?}");
        assert!(found.1 - found.0 < 9.0, "its edges were found: {found:?}");
    }
}

#[test]
fn captions_go_to_a_file_whose_name_tells_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let cow = format!("{SOUNDS}/cow.ogg");
    let expected = [
        ("cow.srt", "1\n00:00:00,000 --> 00:00:06,589\n[cow]\n\n"),
        ("cow.VTT", "WEBVTT\n\n00:00:00.000 --> 00:00:06.589\n[cow]\n"),
        ("cow.txt", "0.000000\t6.588938\tcow\n"),
        ("cow", "1\n00:00:00,000 --> 00:00:06,589\n[cow]\n\n"),
    ];
    for (name, expected) in expected {
        let path = folder.path().join(name);
        let question = ["--question", "What is this sound?", "--out", path.to_str().unwrap()];
        assert_eq!(text(&[&["captions", MODEL, &cow][..], &question].concat()), "");
        assert_eq!(fs::read_to_string(path).unwrap(), expected);
    }
}

#[test]
fn silence_has_no_captions() {
    let silence = "tests/fixtures/inputs/silence_16k_2s.wav";
    assert_eq!(text(&["captions", MODEL, silence]), "");
    assert_eq!(text(&["captions", MODEL, silence, "--format", "json"]), "[]\n");
}

#[test]
fn what_cannot_be_captioned_is_said_in_one_line() {
    assert!(refusal(&["captions", MODEL, "README.md"]).contains("README.md"));
    assert!(refusal(&["captions", MODEL, "absent.wav"]).contains("absent.wav"));
    assert_eq!(af2(&["captions", MODEL, "a.wav", "--format", "ass"]).status.code(), Some(2));
    assert_eq!(af2(&["captions", MODEL, "a.wav", "--batch", "0"]).status.code(), Some(2));
    let left = Stdio::from(std::io::pipe().unwrap().1); // its reader is dropped at once
    let mut closed = command(&["captions", MODEL, &format!("{SOUNDS}/dog.ogg")]);
    let output = closed.stdout(left).stderr(Stdio::piped()).output().unwrap();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(1), ""), "a reader that left wants no message");
}

/// A folder with some of the sample sounds and a path for their index.
fn sounds(names: &[&str]) -> (tempfile::TempDir, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let audio = folder.path().join("audio");
    fs::create_dir(&audio).unwrap();
    for name in names {
        fs::copy(repository().join(SOUNDS).join(name), audio.join(name)).unwrap();
    }
    fs::write(audio.join("notes.txt"), "no audio").unwrap();
    let index = folder.path().join("sounds.af2index").to_str().unwrap().to_owned();
    (folder, audio.to_str().unwrap().to_owned(), index)
}

#[test]
fn a_sound_is_found_in_an_index() {
    let (_folder, audio, index) = sounds(&["cow.ogg", "dog.ogg", "piano.ogg", "speech.ogg"]);
    assert_eq!(text(&["index", MODEL, &audio, "--out", &index]), "");
    let search = |rest: &[&str]| text(&[&["search", MODEL, &index], rest].concat());
    for (sound, file) in [("a dog", "dog.ogg"), ("a piano", "piano.ogg"), ("Is someone speaking?", "speech.ogg")] {
        for by in ["presence", "name", "both"] {
            let found: Value =
                serde_json::from_str(&search(&[sound, "--format", "json", "--by", by, "--top", "1"])).unwrap();
            assert!(found[0]["file"].as_str().unwrap().ends_with(file), "{by} {found}");
            assert!(found[0]["confidence"].as_f64().unwrap() > 0.5, "{by} {found}");
        }
    }
    let all = search(&["a dog", "--min-confidence", "0"]);
    assert_eq!(all.lines().count(), 4, "{all}");
    assert!(all.lines().next().unwrap().ends_with("dog.ogg"), "{all}");
    assert!(search(&["a dog", "--format", "m3u"]).contains("#EXTVLCOPT:start-time=0\n"));
    let none = af2(&["search", MODEL, &index, "a helicopter", "--min-confidence", "1"]);
    assert!(none.status.success() && none.stdout.is_empty() && stderr(&none).contains("--min-confidence 0"));
    assert!(refusal(&["search", "weights/toy", &index, "a dog"]).contains("another model"));
    assert!(refusal(&["search", MODEL, "README.md", "a dog"]).contains("no index of audio"));
    assert_eq!(af2(&["search", MODEL, &index, "a dog", "--min-confidence", "7"]).status.code(), Some(2));
}

#[test]
fn an_index_goes_on_where_it_was_interrupted() {
    let (_folder, audio, index) = sounds(&["dog.ogg", "two-minutes.ogg"]);
    let make = |rest: &[&str]| af2(&[&["index", MODEL, &audio, "--out", &index], rest].concat());
    assert!(make(&[]).status.success());
    let whole = fs::read(&index).unwrap();
    let again = make(&[]);
    assert!(
        again.status.success() && stderr(&again).contains("2 of 2 files need not be encoded"),
        "{}",
        stderr(&again)
    );
    assert_eq!(fs::read(&index).unwrap(), whole);

    let found =
        || text(&["search", MODEL, &index, "a horse", "--min-confidence", "0", "--top", "99", "--format", "csv"]);
    let before = found();
    fs::write(&index, &whole[..whole.len() / 2]).unwrap();
    let torn = af2(&["search", MODEL, &index, "a horse", "--min-confidence", "0"]);
    assert!(torn.status.success() && stderr(&torn).contains("ends within a record"), "{}", stderr(&torn));
    let resumed = make(&[]);
    assert!(resumed.status.success() && stderr(&resumed).contains("cut off"), "{}", stderr(&resumed));
    assert!(fs::read(&index).unwrap().len() < whole.len() + 500, "no window is there twice");
    assert_eq!(found(), before, "as if it had never been interrupted");

    let mut damaged = whole.clone();
    damaged[300] ^= 1;
    fs::write(&index, damaged).unwrap();
    assert!(refusal(&["search", MODEL, &index, "a dog"]).contains("damaged at byte"));
    assert!(stderr(&make(&[])).contains("damaged at byte"));
    fs::write(&index, &whole).unwrap();
    assert!(stderr(&make(&["--hop", "5"])).contains("windows of 10 s every 10 s"));
    fs::write(Path::new(&audio).join("dog.ogg"), "no longer a dog").unwrap();
    let changed = make(&[]);
    assert!(!changed.status.success() && stderr(&changed).contains("has changed since it was indexed"));
    assert_eq!(fs::read(&index).unwrap(), whole);
}

#[test]
fn a_file_that_is_no_audio_costs_only_itself() {
    let (_folder, audio, index) = sounds(&["dog.ogg"]);
    let notes = Path::new(&audio).join("notes.txt");
    let output = af2(&["index", MODEL, notes.to_str().unwrap(), &audio, "--out", &index]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("1 of 2 files are not in the index"), "{}", stderr(&output));
    assert!(text(&["search", MODEL, &index, "a dog"]).contains("dog.ogg"));
    assert!(refusal(&["index", MODEL, "no such folder", "--out", &index]).contains("no such folder"));
}
