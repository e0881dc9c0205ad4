//! `af2 models`: what `af2 pull` has put into the data folder.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use crate::hub::{self, Stored};
use crate::model::{ModelDir, models_folder};
use crate::terminal::{note, print, print_line};

/// Arguments of `af2 models`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

/// What to do; by default list.
#[derive(Debug, Subcommand)]
enum Action {
    /// List pulled models: name, bytes, where they come from.
    List {
        /// Print one JSON object per model.
        #[arg(long)]
        json: bool,
    },
    /// Read all weights of a model and compare their SHA-256 with its index.
    Verify {
        /// As listed.
        name: String,
    },
    /// Remove a model, also one that is not complete.
    Remove {
        /// As listed.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// Runs the action.
pub fn run(arguments: Arguments) -> Result<()> {
    match arguments.action.unwrap_or(Action::List { json: false }) {
        Action::List { json } => list(json),
        Action::Verify { name } => verify(&name),
        Action::Remove { name, yes } => remove(&name, yes),
    }
}

fn list(json: bool) -> Result<()> {
    let models = hub::list()?;
    let mut text = String::new();
    for model in &models {
        text += &if json { serde_json::to_string(model)? } else { row(model) };
        text.push('\n');
    }
    print(text)?;
    if models.is_empty() {
        note(format_args!("no models in {}; `af2 pull 0.5b` fetches the smallest", models_folder()?.display()));
    }
    Ok(())
}

fn row(model: &Stored) -> String {
    let state = if model.complete { "" } else { "   (incomplete; `af2 pull` goes on)" };
    format!("{:<24}{:>10.2} GB   {}{state}", model.name, model.bytes as f64 / 1e9, model.source)
}

fn verify(name: &str) -> Result<()> {
    let Some(model) = hub::list()?.into_iter().find(|model| model.name == name && model.complete) else {
        bail!("there is no complete model `{name}`; `af2 models` lists them");
    };
    let opened = ModelDir::open(&model.path)?;
    opened.verify()?;
    let shards = opened.index.shards.len();
    Ok(print_line(format_args!("{name}: all {shards} shards have the SHA-256 of the index"))?)
}

fn remove(name: &str, yes: bool) -> Result<()> {
    if !yes {
        match hub::confirm(&format!("Remove the model `{name}`?"))? {
            Some(true) => {}
            Some(false) => bail!("`{name}` was not removed"),
            None => bail!("nobody is there to ask; add --yes to remove `{name}`"),
        }
    }
    let bytes = hub::remove(name)?;
    Ok(print_line(format_args!("{name}: removed, {bytes} bytes freed"))?)
}
