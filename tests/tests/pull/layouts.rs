//! The releases that the hub serves: the toy in every layout converts to the same model, and a generated release is what
//! it says.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use af2_cli::convert::{ConvertOptions, convert};
use af2_core::config::CONFIG_FILE;
use af2_core::weights::Scheme;
use af2_core::weights::index::INDEX_FILE;
use af2_core::weights::verify::ShardHasher;
use af2_tests::fixtures::{convert_release, fixture};
use af2_tests::hub::{Layout, Release, dimensions};
use tempfile::TempDir;

pub const RELEASE: &str = "nvidia/audio-flamingo-2-0.5B";
pub const BASE: &str = "Qwen/Qwen2.5-0.5B";

/// SHA-256 of every file of a converted model but its configuration, which holds the name of the folder it came from, and of the index
/// but for the configuration's entry.
pub fn files(model: &Path) -> BTreeMap<String, String> {
    let digest = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        if path.ends_with(INDEX_FILE) {
            let mut index: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            assert!(index["files"].as_object_mut().unwrap().remove(CONFIG_FILE).is_some());
            bytes = index.to_string().into_bytes();
        }
        let mut hasher = ShardHasher::new();
        hasher.update(&bytes);
        hasher.finish().1
    };
    let entries = fs::read_dir(model).unwrap().map(|entry| entry.unwrap());
    let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), digest(&entry.path())));
    named.filter(|(name, _)| name != CONFIG_FILE).collect()
}

/// Writes the repositories of a release and converts it as a plain download.
pub fn converted(release: &Release, scheme: Scheme) -> BTreeMap<String, String> {
    let dir = TempDir::new().unwrap();
    release.write(dir.path());
    let options = ConvertOptions {
        release_dir: dir.path().join(RELEASE),
        out_dir: dir.path().join("out"),
        lm_dir: Some(dir.path().join(BASE)),
        clap_file: None,
        scheme,
        shard_bytes: 1 << 20,
    };
    convert(&options, &mut |_, _| {}).unwrap();
    files(&options.out_dir)
}

#[test]
fn the_toy_in_every_layout_is_the_toy() {
    let dir = TempDir::new().unwrap();
    convert_release(&fixture("tiny-a"), &dir.path().join("out"), Scheme::Q4);
    let expected = files(&dir.path().join("out"));
    for layout in [Layout::WholeState, Layout::WholeStateInThree, Layout::Filtered] {
        let release = Release::tiny_a(layout);
        assert!(!release.repositories[RELEASE].contains("configs/inference.yaml"));
        assert_eq!(release.repositories[BASE].contains("model.safetensors"), layout == Layout::Filtered);
        assert_eq!(converted(&release, Scheme::Q4), expected, "{layout:?}");
    }
}

#[test]
fn a_generated_release_converts() {
    let config = dimensions(2);
    let model = converted(&Release::random(&config, 1), Scheme::F32);
    assert_eq!(model, converted(&Release::random(&config, 1), Scheme::F32), "the same seed, the same weights");
    let shards = model.iter().filter(|(name, _)| name.ends_with(".safetensors"));
    assert!(shards.count() > 1, "several shards");
}
