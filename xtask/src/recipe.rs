//! Runs the demo model's recipe, in a Python environment under `target/`.

use crate::{prepare, run};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};

const FOLDER: &str = "weights/demo/recipe";

/// A Python environment with the requirements of the recipe.
pub struct Recipe {
    root: PathBuf,
    python: PathBuf,
}

impl Recipe {
    /// Creates the environment, or updates it if the requirements changed.
    pub fn prepare(yes: bool) -> Result<Self> {
        prepare::ensure(&[prepare::PYTHON], yes)?;
        let root = run::root();
        let folder = root.join("target/demo/venv");
        let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        let recipe = Self { python, root };
        let wanted = recipe.root.join(FOLDER).join("requirements.txt");
        let installed = folder.join("requirements.txt");
        if fs::read(&wanted)? != fs::read(&installed).unwrap_or_default() {
            recipe.install(&folder, &wanted)?;
            fs::copy(&wanted, &installed)?;
        }
        Ok(recipe)
    }

    fn install(&self, folder: &Path, wanted: &Path) -> Result<()> {
        run::run(&self.root, "python3", &["-m", "venv", text(folder)?])?;
        run::run(&self.root, text(&self.python)?, &["-m", "pip", "install", "--quiet", "-r", text(wanted)?])
    }

    /// Folder of recordings, bank and checkpoints.
    pub fn work(&self) -> PathBuf {
        self.root.join("target/demo")
    }

    /// Fails unless `file`, written by `stage`, is in the work folder.
    pub fn require(&self, file: &str, stage: &str) -> Result<()> {
        if !self.work().join(file).exists() {
            bail!("target/demo/{file} is missing: run `cargo xtask sounds {stage}` first");
        }
        Ok(())
    }

    /// Runs a script of the recipe.
    pub fn stage(&self, script: &str, arguments: &[&str]) -> Result<()> {
        let script = self.root.join(FOLDER).join(script);
        run::run(&self.root, text(&self.python)?, &[&[text(&script)?], arguments].concat())
    }
}

/// A path as an argument.
pub fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}
