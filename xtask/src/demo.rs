//! `cargo xtask demo`: a shipped model hears a shipped sound and answers a question, on this machine.

use crate::{
    prepare, run,
    shipped::{self, Model},
};
use anyhow::{Context, Result};
use clap::Args;

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
    let sound = shipped::sounds(&root)?.into_iter().next().context("no sound is shipped")?;
    let suggested = sound.suggestions();
    let question = options.question.as_deref().or(suggested.first().copied()).context("no question is suggested")?;
    run::run(&root, "cargo", &["build", "--locked", "--release", "--package", "af2-cli"])?;

    let path = sound.path.to_string_lossy();
    println!("\nmodel     {}\nsound     {path} ({})\nquestion  {question}\n", model.folder, sound.title);
    let start = ["run", "--quiet", "--locked", "--release", "--package", "af2-cli", "--bin", "af2", "--"];
    // By itself `ask` would let the processor answer where the driver is a program; the demo is about the shaders.
    run::run(&root, "cargo", &[&start[..], &["ask", "--engine", "gpu", model.folder, &path, question]].concat())?;
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
