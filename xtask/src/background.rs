//! A step that runs beside others, its output in a file.

use crate::run;
use anyhow::{Context, Result, bail};
use std::{
    env, fs,
    path::PathBuf,
    process::{Child, Command},
    time::{Duration, Instant},
};

/// A running command of this program. It is stopped when it is dropped.
pub struct Background {
    child: Child,
    log: PathBuf,
    start: Instant,
}

impl Background {
    /// Starts `cargo xtask COMMAND`.
    pub fn start(command: &str) -> Result<Self> {
        let root = run::root();
        let folder = run::target(&root).join("background");
        fs::create_dir_all(&folder)?;
        let log = folder.join(format!("{command}.log"));
        let file = fs::File::create(&log)?;
        // Not `cargo xtask`: it would wait for the builds of the steps beside it.
        let program = env::current_exe().context("cannot find this program's file")?;
        let child = Command::new(program)
            .arg(command)
            .current_dir(root)
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start `cargo xtask {command}`"))?;
        Ok(Self { child, log, start: Instant::now() })
    }

    /// Waits for its end, prints its output, and fails if it failed. Returns the time it took, or the time until it was asked.
    pub fn finish(mut self) -> Result<Duration> {
        let status = self.child.wait()?;
        eprint!("{}", fs::read_to_string(&self.log)?);
        if !status.success() {
            bail!("it ended with {status}");
        }
        Ok(self.start.elapsed())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it has ended, unless a step beside it failed
        let _ = self.child.wait();
    }
}
