//! `cargo xtask demo`: a shipped model hears a shipped sound and answers a question, on this machine.

use crate::{prepare, run};
use anyhow::{Context, Result};
use clap::Args;
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Options of `cargo xtask demo`.
#[derive(Args)]
pub struct Options {
    /// Install what is missing without asking
    #[arg(long)]
    yes: bool,
    /// Ask this instead of the suggested question
    question: Option<String>,
}

/// Who is asked what about which sound. Paths are relative to the repository.
struct Scene {
    model: PathBuf,
    sound: PathBuf,
    question: String,
    remark: &'static str,
}

/// Prepares the machine, builds `af2`, asks, and says where to go from here.
pub fn run(options: &Options) -> Result<()> {
    prepare::ensure(&[prepare::VULKAN], options.yes)?;
    let root = run::root();
    let scene = scene(&root)?;
    let question = options.question.as_deref().unwrap_or(&scene.question);
    run::run(&root, "cargo", &["build", "--locked", "--release", "--package", "af2-cli"])?;
    println!("\nsound     {}\nquestion  {question}\nanswer", scene.sound.display());
    let [model, sound] = [&scene.model, &scene.sound].map(|path| path.display().to_string());
    let start = ["run", "--quiet", "--locked", "--release", "--package", "af2-cli", "--bin", "af2", "--"];
    run::run(&root, "cargo", &[&start[..], &["ask", &model, &sound, question]].concat())?;
    println!("\n{}\nThe same in a browser: cargo xtask serve", scene.remark);
    Ok(())
}

/// The demo model with its first sound, or the toy model of the tests where no demo model is shipped.
fn scene(root: &Path) -> Result<Scene> {
    let model = PathBuf::from("weights/demo/model");
    if !root.join(&model).join("config.json").exists() {
        return Ok(toy());
    }
    let folder = Path::new("weights/demo/sounds");
    let list = root.join(folder).join("sounds.json");
    let text = fs::read(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let sounds: Vec<Sound> =
        serde_json::from_slice(&text).with_context(|| format!("cannot read {}", list.display()))?;
    let (sound, question) = first(&sounds).with_context(|| format!("{} names no sound", list.display()))?;
    let remark =
        "The model is small and was trained for this repository; weights/README.md says how to bring NVIDIA's.";
    Ok(Scene { model, sound: folder.join(&sound.file), question: question.question.clone(), remark })
}

fn toy() -> Scene {
    Scene {
        model: "weights/toy".into(),
        sound: "tests/fixtures/inputs/speech_16k_mono.wav".into(),
        question: "Is someone speaking?".into(),
        remark: "This was the tests' toy model: random encoder, text fitted to a few synthetic sounds. It shows that every \
                 stage runs here, not what Audio Flamingo 2 knows; weights/README.md says how to bring NVIDIA's weights.",
    }
}

/// An entry of sounds.json.
#[derive(Deserialize)]
struct Sound {
    file: String,
    questions: Vec<Question>,
}

#[derive(Deserialize)]
struct Question {
    question: String,
    /// The true answer, where the model gives it by a wide margin.
    expected: Option<String>,
}

/// The first question with a sure answer, else the first of all.
fn first(sounds: &[Sound]) -> Option<(&Sound, &Question)> {
    let all = || sounds.iter().flat_map(|sound| sound.questions.iter().map(move |question| (sound, question)));
    all().find(|(_, question)| question.expected.is_some()).or_else(|| all().next())
}
