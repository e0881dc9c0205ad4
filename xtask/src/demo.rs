//! `cargo xtask demo`: a shipped model answers a question about shipped audio, on this machine.

use crate::{
    prepare, run,
    shipped::{self, Model},
};
use anyhow::{Context, Result};
use clap::Args;

/// What is built: only the shaders' engine, which then also answers on a software adapter, in the profile that compiles soonest.
const BUILD: [&str; 6] = ["--locked", "--profile", "demo", "--package", "af2-cli", "--no-default-features"];

/// Options of `cargo xtask demo`.
#[derive(Args)]
pub struct Options {
    /// Install what is missing without asking
    #[arg(long)]
    yes: bool,
    /// Ask this instead of the suggested question
    question: Option<String>,
}

/// Prepares the machine, builds `af2`, asks, and says where to go from here.
pub fn run(options: &Options) -> Result<()> {
    prepare::ensure(&[prepare::VULKAN], options.yes)?;
    let root = run::root();
    let model = shipped::models(&root).into_iter().next().context("weights/ holds no model")?;
    let audio = shipped::sounds(&root)?.into_iter().next().context("no audio is shipped")?;
    let suggested = audio.suggestions();
    let question = options.question.as_deref().or(suggested.first().copied()).context("no question is suggested")?;
    run::run(&root, "cargo", &[&["build"], &BUILD[..]].concat())?;

    let path = audio.path.to_string_lossy();
    println!("\nmodel     {}\naudio     {path} ({})\nquestion  {question}\n", model.folder, audio.title);
    let start = [&["run", "--quiet"], &BUILD[..], &["--bin", "af2", "--"]].concat();
    run::run(&root, "cargo", &[&start[..], &["ask", model.folder, &path, question]].concat())?;
    println!("\n{}\nThe same in a browser: cargo xtask serve", remark(&model));
    Ok(())
}

/// What to think of the answer.
fn remark(model: &Model) -> &'static str {
    match model.name {
        "toy" => {
            "This was the tests' toy model: a random encoder, text fitted to a few synthetic sounds. It shows that every\n\
             stage runs here, not what Audio Flamingo 2 knows. weights/README.md says how to bring NVIDIA's weights."
        }
        _ => {
            "This small model was trained for this repository and knows common sounds only. weights/README.md says how\n\
             to bring NVIDIA's weights."
        }
    }
}
