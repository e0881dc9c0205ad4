//! Names of repositories.

use std::fmt;

/// `ORG/NAME`, of letters, digits, `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName(String);

impl RepositoryName {
    /// Checks a name.
    pub fn parse(text: &str) -> Option<Self> {
        let part = |part: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !part.is_empty() && part.len() <= 96 && !part.starts_with('.') && part.chars().all(plain)
        };
        let (org, name) = text.split_once('/')?;
        (part(org) && part(name) && !text.contains("--") && !text.contains("..")).then(|| Self(text.to_owned()))
    }

    /// `ORG/NAME`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder of the repository in a cache of the official client.
    pub fn cache_folder(&self) -> String {
        format!("models--{}", self.0.replace('/', "--"))
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
