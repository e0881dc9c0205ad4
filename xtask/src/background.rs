//! A step that runs beside others, its output in a file.

use crate::run;
use anyhow::{Context, Result, bail};
use std::{
    env, fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A running command of this program. It is stopped when it is dropped.
pub struct Background {
    child: Child,
    log: PathBuf,
    start: Instant,
}

impl Background {
    /// Starts `cargo xtask COMMAND`, a command and its options.
    pub fn start(line: &str) -> Result<Self> {
        let root = run::root();
        let folder = run::target(&root).join("background");
        fs::create_dir_all(&folder)?;
        let words: Vec<&str> = line.split(' ').collect();
        let log = folder.join(format!("{}.log", words.first().context("an empty command")?));
        let file = fs::File::create(&log)?;
        // Not `cargo xtask`: it would wait for the builds of the steps beside it.
        let program = env::current_exe().context("cannot find this program's file")?;
        let child = Command::new(program)
            .args(&words)
            .current_dir(root)
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start `cargo xtask {line}`"))?;
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
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // A step beside it failed. Compilers and browsers that it started would go on without it.
        for process in descendants(self.child.id()) {
            let _ = Command::new("kill").arg(process.to_string()).stderr(Stdio::null()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processes below `ancestor`, as `ps` lists them; none where there is no `ps`.
fn descendants(ancestor: u32) -> Vec<u32> {
    let Ok(output) = Command::new("ps").args(["-e", "-o", "pid=,ppid="]).output() else { return Vec::new() };
    let text = String::from_utf8_lossy(&output.stdout);
    let pairs: Vec<(u32, u32)> = text
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map_while(|word| word.parse().ok());
            Some((numbers.next()?, numbers.next()?))
        })
        .collect();
    let mut found = vec![ancestor];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(pairs.iter().filter(|(_, above)| *above == parent).map(|(process, _)| process));
        next += 1;
    }
    found.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_a_command_started_is_found() {
        let mut shell = Command::new("sh").args(["-c", "sleep 60 & wait"]).spawn().unwrap();
        let start = Instant::now();
        while descendants(shell.id()).is_empty() && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let found = descendants(shell.id());
        assert_eq!(found.len(), 1, "the shell's sleep");
        for process in found {
            Command::new("kill").arg(process.to_string()).status().unwrap();
        }
        shell.wait().unwrap();
    }
}
