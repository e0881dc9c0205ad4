//! What a user may write to name a model on a hub.

use std::fmt;

use crate::releases::{self, Published};
use crate::repository_name::RepositoryName;
use crate::url;

/// A parsed name of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Where the files are.
    pub target: Target,
    /// NVIDIA's release, if it is one.
    pub release: Option<&'static Published>,
}

/// Where the files of a model are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A repository of the hub.
    Repository {
        /// `ORG/NAME`.
        name: RepositoryName,
        /// Branch, tag or commit.
        revision: String,
    },
    /// A folder on any server; the address ends in a slash.
    Folder {
        /// `https://host/path/`.
        url: String,
    },
}

/// The branch that is meant where none is named.
const MAIN: &str = "main";

impl Address {
    /// Reads `3b`, `1.5b`, `0.5b`, `cot`, `ORG/NAME`, `ORG/NAME@REVISION`, `hf:ORG/NAME`, or an address.
    ///
    /// An address of `endpoint` that names a repository stands for the repository.
    ///
    /// # Errors
    /// One line that lists what is possible.
    pub fn parse(text: &str, endpoint: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.contains("://") {
            return Self::from_url(text, endpoint);
        }
        let name = text.strip_prefix("hf:").unwrap_or(text);
        let (name, revision) = name.split_once('@').unwrap_or((name, MAIN));
        let name = match releases::by_alias(name) {
            Some(release) => release.repository,
            None => name,
        };
        let name = RepositoryName::parse(name).ok_or_else(|| {
            format!(
                "`{text}` names no model; write 3b, 1.5b, 0.5b, cot, ORG/NAME, ORG/NAME@REVISION or an https:// address"
            )
        })?;
        Self::repository(name, revision).ok_or_else(|| format!("`{text}` has no valid revision after the @"))
    }

    fn from_url(text: &str, endpoint: &str) -> Result<Self, String> {
        let no_address = || format!("`{text}` is no http address of a repository or folder");
        let origin = url::origin(text).ok_or_else(no_address)?;
        let path = url::shown(text).split_once("://").and_then(|(_, rest)| rest.split_once('/'));
        let path = path.map_or("", |(_, path)| path).trim_matches('/');
        if url::origin(endpoint) == Some(origin) {
            let parts: Vec<&str> = path.split('/').collect();
            let (org, name, revision) = match parts[..] {
                [org, name] => (org, name, MAIN),
                [org, name, "tree", revision] => (org, name, revision),
                _ => return Err(no_address()),
            };
            let name = RepositoryName::parse(&format!("{org}/{name}")).ok_or_else(no_address)?;
            return Self::repository(name, revision).ok_or_else(no_address);
        }
        let url = format!("{}/", url::shown(text).trim_end_matches('/'));
        Ok(Address { target: Target::Folder { url }, release: None })
    }

    fn repository(name: RepositoryName, revision: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        let valid = !revision.is_empty() && !revision.contains("..") && revision.chars().all(plain);
        let release = releases::by_repository(&name);
        valid.then(|| Address { target: Target::Repository { name, revision: revision.into() }, release })
    }

    /// The name of the model's folder without its scheme: `3b`, `ORG--NAME`, `ORG--NAME@REVISION`, or host and path.
    pub fn folder_name(&self) -> String {
        match &self.target {
            Target::Repository { name, revision } => {
                let name =
                    self.release.map_or_else(|| name.as_str().replace('/', "--"), |release| release.alias.to_owned());
                if revision == MAIN { name } else { format!("{name}@{}", revision.replace('/', "--")) }
            }
            Target::Folder { url } => {
                let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
                let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
                rest.trim_matches('/').replace('/', "--").chars().map(plain).collect()
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Repository { name, revision } if revision == MAIN => write!(f, "{name}"),
            Target::Repository { name, revision } => write!(f, "{name}@{revision}"),
            Target::Folder { url } => f.write_str(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: &str = "https://hub.example";

    fn shown(text: &str) -> (String, String) {
        let address = Address::parse(text, HUB).unwrap();
        (address.to_string(), address.folder_name())
    }

    #[test]
    fn every_way_to_name_a_model() {
        let cases = [
            ("3b", "nvidia/audio-flamingo-2", "3b"),
            ("0.5B", "nvidia/audio-flamingo-2-0.5B", "0.5b"),
            ("cot", "nvidia/audio-flamingo-2-SoundCoT", "cot"),
            ("3b@v1", "nvidia/audio-flamingo-2@v1", "3b@v1"),
            ("hf:nvidia/audio-flamingo-2-1.5B", "nvidia/audio-flamingo-2-1.5B", "1.5b"),
            ("me/my.model_1", "me/my.model_1", "me--my.model_1"),
            ("me/model@refs/pr/1", "me/model@refs/pr/1", "me--model@refs--pr--1"),
            ("https://hub.example/me/model", "me/model", "me--model"),
            ("https://hub.example/me/model/tree/abc?x=1", "me/model@abc", "me--model@abc"),
            ("http://localhost:80/a/b/", "http://localhost:80/a/b/", "localhost-80--a--b"),
        ];
        for (text, address, folder) in cases {
            assert_eq!(shown(text), (address.into(), folder.into()), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_a_name() {
        for text in
            ["", "4b", "a/b/c", "/b", "../b", "a/..", "a/b@", "a/b@x y", "a/b@../c", "a b/c", "file:///a", "a/.b"]
        {
            assert!(Address::parse(text, HUB).is_err(), "{text}");
        }
        let error = Address::parse("4b", HUB).unwrap_err();
        assert!(error.contains("write 3b, 1.5b"), "{error}");
    }
}
