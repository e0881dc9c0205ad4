//! The floors: every crate knows only those below it.

use crate::workspace::{assert_none, metadata};

/// What each crate may use of this workspace. A crate that is not listed fails the test.
const FLOORS: [(&str, &[&str]); 15] = [
    ("af2-core", &[]),
    ("af2-convert", &["af2-core"]),
    ("af2-hub", &["af2-core", "af2-convert"]),
    ("af2-gpu", &["af2-core"]),
    ("af2-model", &["af2-core", "af2-gpu"]),
    ("af2-cpu", &["af2-core"]),
    ("af2-eval", &["af2-core"]),
    ("af2-serve", &["af2-core"]),
    ("af2-cli", &["af2-core", "af2-convert", "af2-hub", "af2-gpu", "af2-model", "af2-cpu", "af2-eval", "af2-serve"]),
    ("af2-web", &["af2-core", "af2-convert", "af2-gpu", "af2-model", "af2-cpu"]),
    ("af2-import", &["af2-core", "af2-convert", "af2-hub"]),
    ("af2-isa", &["af2-gpu"]),
    ("af2-fuzz", &["af2-core", "af2-convert", "af2-cli"]),
    (
        "af2-tests",
        &["af2-core", "af2-convert", "af2-hub", "af2-gpu", "af2-model", "af2-cpu", "af2-eval", "af2-serve", "af2-cli"],
    ),
    (
        "xtask",
        &["af2-core", "af2-convert", "af2-hub", "af2-gpu", "af2-model", "af2-cpu", "af2-eval", "af2-serve", "af2-cli"],
    ),
];

/// External crates that few of ours may use: prefix of the name, owners.
const OWNED: [(&str, &[&str]); 5] = [
    ("wgpu", &["af2-gpu"]),
    ("naga", &["af2-gpu", "af2-isa"]),
    ("ash", &["af2-isa"]),
    ("burn", &["af2-cpu"]),
    ("cubecl", &["af2-cpu"]),
];

#[test]
fn a_crate_knows_only_the_floors_below() {
    let members: Vec<&str> = metadata().members().map(|package| package.name.as_str()).collect();
    let mut broken = Vec::new();
    for package in metadata().members() {
        let Some((_, allowed)) = FLOORS.iter().find(|(name, _)| *name == package.name) else {
            broken.push(format!("{} is on no floor; add it to FLOORS and to crates/README.md", package.name));
            continue;
        };
        let edges = package.dependencies.iter().map(|dependency| dependency.name.as_str());
        let wrong = edges.filter(|name| members.contains(name) && !allowed.contains(name));
        broken.extend(wrong.map(|name| format!("{} must not depend on {name}", package.name)));
    }
    assert_none("dependency edges between our crates:", broken);
}

#[test]
fn the_floors_have_no_cycle() {
    let below = |name: &str| FLOORS.iter().position(|(floor, _)| *floor == name);
    for (index, (name, allowed)) in FLOORS.iter().enumerate() {
        for other in *allowed {
            assert!(below(other).is_some_and(|position| position < index), "{name} and {other} are out of order");
        }
    }
}

#[test]
fn graphics_and_frameworks_stay_with_their_owner() {
    let mut broken = Vec::new();
    for package in metadata().members() {
        for dependency in &package.dependencies {
            let owned = OWNED.iter().find(|(prefix, _)| dependency.name.starts_with(prefix));
            if let Some((_, owners)) = owned.filter(|(_, owners)| !owners.contains(&package.name.as_str())) {
                broken.push(format!(
                    "{} uses {}, which belongs to {}",
                    package.name,
                    dependency.name,
                    owners.join(", ")
                ));
            }
        }
    }
    assert_none("external crates with one owner:", broken);
}
