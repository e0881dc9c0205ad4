//! What a release says of itself: one version everywhere, and a place in the changelog.

use crate::workspace::{metadata, root};

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn crates_package_and_changelog_agree_on_the_version() {
    let package: serde_json::Value = serde_json::from_str(&read("web/package.json")).expect("JSON");
    let version = package["version"].as_str().expect("a version");
    for member in metadata().members() {
        assert_eq!(member.version, version, "{} beside web/package.json", member.name);
    }
    let heading = format!("## {version}");
    let listed = read(".github/CHANGELOG.md").lines().any(|line| line.split(" (").next() == Some(&heading));
    assert!(listed, ".github/CHANGELOG.md has no `{heading}`");
}
