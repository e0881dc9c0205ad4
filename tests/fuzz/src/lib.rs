//! Fuzz targets: all parsers of files that somebody else may have written, as plain functions of bytes.
//!
//! They are used twice. `cargo fuzz` searches with coverage for as long as it is let; the test `fuzz` runs on any compiler: the stored
//! corpus, and mutations of it from a fixed seed. A target panics if a parser does, or if what it read breaks a promise.

pub mod mutate;
pub mod targets;

use std::path::{Path, PathBuf};

/// One parser.
pub struct Target {
    /// Name of the target, of its file in `fuzz_targets/`, and of its folder in `corpus/`.
    pub name: &'static str,
    /// Reads one input.
    pub run: fn(&[u8]),
    /// Most bytes of an input that is made to be bulky; 0 where texts mean nothing.
    pub longest: usize,
    /// More seeds: files and folders of the repository.
    seeds: &'static [&'static str],
}

/// All targets.
pub const TARGETS: [Target; 10] = [
    Target { name: "audio", run: targets::audio, longest: 0, seeds: &["tests/fixtures/formats"] },
    Target { name: "safetensors", run: targets::safetensors, longest: 8 << 20, seeds: &[] },
    Target {
        name: "index",
        run: targets::index,
        longest: 16 << 20,
        seeds: &["weights/toy/model.safetensors.index.json"],
    },
    Target {
        name: "config",
        run: targets::config,
        longest: 1 << 20,
        seeds: &["weights/toy/config.json", "weights/demo/model/config.json"],
    },
    Target {
        name: "tokenizer",
        run: targets::tokenizer,
        longest: 32 << 20,
        seeds: &["weights/toy/tokenizer.json", "tests/fixtures/tiny-a/lang_encoder/tokenizer.json"],
    },
    Target { name: "pickle", run: targets::pickle, longest: 0, seeds: &["crates/af2-cli/tests/data/clap_part.pt"] },
    Target { name: "audio_index", run: targets::audio_index, longest: 0, seeds: &[] },
    Target { name: "batch_list", run: targets::batch_list, longest: 16 << 20, seeds: &[] },
    Target { name: "batch_output", run: targets::batch_output, longest: 16 << 20, seeds: &[] },
    Target {
        name: "release",
        run: targets::release,
        longest: 4 << 20,
        seeds: &[
            "tests/fixtures/tiny-a/configs/inference.yaml",
            "tests/fixtures/tiny-a/lang_encoder/config.json",
            "tests/fixtures/tiny-a/safe_ckpt/metadata.json",
        ],
    },
];

impl Target {
    /// The stored corpus and the other seeds, in a fixed order.
    ///
    /// # Panics
    /// A file that the repository holds cannot be read.
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let corpus = PathBuf::from(format!("tests/fuzz/corpus/{}", self.name));
        let mut files = Vec::new();
        for path in self.seeds.iter().map(PathBuf::from).chain([corpus]) {
            let path = root.join(path);
            match std::fs::read_dir(&path) {
                Ok(entries) => files.extend(entries.filter_map(|entry| Some(entry.ok()?.path()))),
                Err(_) => files.push(path),
            }
        }
        files.sort();
        let read = |path: PathBuf| std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        files.into_iter().map(read).collect()
    }
}
