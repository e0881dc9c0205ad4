//! Repositories: commits, and who may read.

use af2_core::weights::verify::ShardHasher;

use super::file::Files;

/// The commits of one repository.
#[derive(Default)]
pub(super) struct Repository {
    /// Oldest first; `main` is the last.
    commits: Vec<(String, Files)>,
    /// Commits ever made.
    made: usize,
    /// The token that may read its files; `None` where everyone may.
    pub gate: Option<String>,
}

impl Repository {
    /// Adds a commit and returns its name.
    pub fn push(&mut self, name: &str, files: Files) -> String {
        self.made += 1;
        let mut hasher = ShardHasher::new();
        hasher.update(format!("{name} {}", self.made).as_bytes());
        let commit = hasher.finish().1[..40].to_owned();
        self.commits.push((commit.clone(), files));
        commit
    }

    /// Adds a commit of the same files.
    pub fn touch(&mut self, name: &str) {
        let files = self.commits.last().map(|(_, files)| files.clone()).unwrap_or_default();
        self.push(name, files);
    }

    /// Removes all commits but the last.
    pub fn forget(&mut self) {
        self.commits = self.commits.pop().into_iter().collect();
    }

    /// The commit of a revision, `main` or the name of a commit.
    pub fn revision(&self, revision: &str) -> Option<(&str, &Files)> {
        let found = match revision {
            "main" => self.commits.last(),
            _ => self.commits.iter().find(|(commit, _)| commit == revision),
        };
        found.map(|(commit, files)| (commit.as_str(), files))
    }
}
