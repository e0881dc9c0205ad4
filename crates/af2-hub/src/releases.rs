//! NVIDIA's releases: repositories, base models, and the licences that a user accepts before the weights are fetched.

use crate::repository_name::RepositoryName;

/// A release of Audio Flamingo 2.
#[derive(Debug, PartialEq, Eq)]
pub struct Published {
    /// The short name: `3b`.
    pub alias: &'static str,
    /// What a page shows.
    pub title: &'static str,
    /// `ORG/NAME` on the hub.
    pub repository: &'static str,
    /// The base language model, whose configuration and tokenizer are read.
    pub base: &'static str,
    /// What applies to the weights.
    pub licences: &'static [Licence],
    /// Bytes of the weights that a conversion reads, in float32; what a repository lists at present is authoritative.
    pub needed_bytes: u64,
}

/// A licence, and where its text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Licence {
    /// Its name.
    pub name: &'static str,
    /// What it covers.
    pub covers: &'static str,
    /// What a user most needs to know of it, in one sentence.
    pub summary: &'static str,
    /// Path of its text on the hub.
    path: &'static str,
}

impl Licence {
    /// The address of its text.
    pub fn url(&self, endpoint: &str) -> String {
        format!("{}/{}", endpoint.trim_end_matches('/'), self.path)
    }
}

const ONE_WAY: Licence = Licence {
    name: "NVIDIA OneWay Noncommercial License",
    covers: "the weights of Audio Flamingo 2",
    summary: "For research and other noncommercial use only.",
    path: "nvidia/audio-flamingo-2/blob/main/LICENSE.md",
};

const QWEN_RESEARCH: Licence = Licence {
    name: "Qwen Research License",
    covers: "the base model Qwen2.5-3B, which the weights contain",
    summary: "For research and other noncommercial use only.",
    path: "Qwen/Qwen2.5-3B/blob/main/LICENSE",
};

const APACHE_1_5B: Licence = Licence {
    name: "Apache License 2.0",
    covers: "the base model Qwen2.5-1.5B, which the weights contain",
    summary: "Permits any use.",
    path: "Qwen/Qwen2.5-1.5B/blob/main/LICENSE",
};

const APACHE_0_5B: Licence = Licence {
    name: "Apache License 2.0",
    covers: "the base model Qwen2.5-0.5B, which the weights contain",
    summary: "Permits any use.",
    path: "Qwen/Qwen2.5-0.5B/blob/main/LICENSE",
};

/// All releases, largest first.
pub static RELEASES: [Published; 4] = [
    Published {
        alias: "3b",
        title: "Audio Flamingo 2 (3B)",
        repository: "nvidia/audio-flamingo-2",
        base: "Qwen/Qwen2.5-3B",
        licences: &[ONE_WAY, QWEN_RESEARCH],
        needed_bytes: 19_164_127_104,
    },
    Published {
        alias: "cot",
        title: "Audio Flamingo 2 SoundCoT (3B)",
        repository: "nvidia/audio-flamingo-2-SoundCoT",
        base: "Qwen/Qwen2.5-3B",
        licences: &[ONE_WAY, QWEN_RESEARCH],
        needed_bytes: 19_164_127_104,
    },
    Published {
        alias: "1.5b",
        title: "Audio Flamingo 2 (1.5B)",
        repository: "nvidia/audio-flamingo-2-1.5B",
        base: "Qwen/Qwen2.5-1.5B",
        licences: &[ONE_WAY, APACHE_1_5B],
        needed_bytes: 10_084_437_824,
    },
    Published {
        alias: "0.5b",
        title: "Audio Flamingo 2 (0.5B)",
        repository: "nvidia/audio-flamingo-2-0.5B",
        base: "Qwen/Qwen2.5-0.5B",
        licences: &[ONE_WAY, APACHE_0_5B],
        needed_bytes: 4_267_049_760,
    },
];

/// The release of a short name, in any case.
pub fn by_alias(alias: &str) -> Option<&'static Published> {
    RELEASES.iter().find(|release| release.alias.eq_ignore_ascii_case(alias))
}

/// The release in a repository.
pub fn by_repository(name: &RepositoryName) -> Option<&'static Published> {
    RELEASES.iter().find(|release| release.repository.eq_ignore_ascii_case(name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_has_a_valid_name_and_its_licences() {
        for release in &RELEASES {
            let name = RepositoryName::parse(release.repository).unwrap();
            assert_eq!(by_repository(&name), Some(release));
            assert!(RepositoryName::parse(release.base).is_some());
            assert!(release.licences.iter().any(|licence| licence.name.starts_with("NVIDIA")));
            let research = release.licences.iter().any(|licence| licence.name == QWEN_RESEARCH.name);
            assert_eq!(research, release.base.ends_with("-3B"), "{}", release.alias);
        }
        assert_eq!(
            ONE_WAY.url("https://hub.example/"),
            "https://hub.example/nvidia/audio-flamingo-2/blob/main/LICENSE.md"
        );
    }
}
