//! `af2 pull` as a user starts it, in a home of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use af2_tests::hub::Hub;
use tempfile::TempDir;

use crate::layouts::files;

/// A user's machine.
pub struct Machine {
    home: TempDir,
    endpoint: String,
    token: Option<&'static str>,
}

impl Machine {
    pub fn new(hub: &Hub) -> Self {
        Self { home: TempDir::new().unwrap(), endpoint: hub.endpoint().into(), token: None }
    }

    pub fn with_token(hub: &Hub, token: &'static str) -> Self {
        Self { token: Some(token), ..Self::new(hub) }
    }

    /// `af2` with arguments, its own home and nothing of the tester's environment that it would heed.
    pub fn af2(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_af2-process"));
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in ["HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE", "HF_HUB_OFFLINE"] {
            command.env_remove(name);
        }
        command.env("AF2_HOME", self.home.path()).env("HF_HOME", self.home.path().join("hf"));
        command.env("HF_ENDPOINT", &self.endpoint).envs(self.token.map(|token| ("HF_TOKEN", token)));
        command
    }

    /// `af2 pull 0.5b` at 4 bits.
    pub fn pull(&self) -> Command {
        self.af2(&["pull", "0.5b", "--accept-licence", "--shard-size", "1MiB"])
    }

    /// `AF2_HOME` and, in `hf`, `HF_HOME`.
    pub fn home(&self) -> PathBuf {
        self.home.path().into()
    }

    /// The folder that [`pull`](Self::pull) makes.
    pub fn folder(&self) -> PathBuf {
        self.home.path().join("models/0.5b-q4")
    }

    /// Pulls, and reads what came.
    pub fn pulled(&self) -> BTreeMap<String, String> {
        let output = self.pull().output().unwrap();
        assert!(output.status.success(), "{}", errors(&output));
        files(&self.folder())
    }
}

pub fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
