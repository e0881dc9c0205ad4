//! Dependencies: permissive licences only, and one version of the graphics stack.

use std::collections::BTreeMap;

use crate::workspace::{assert_none, metadata, root};

/// SPDX identifiers of licences that are compatible with MIT OR Apache-2.0 in any use.
const ALLOWED: [&str; 15] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MPL-2.0",
    "NCSA",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression can be satisfied with allowed licences. `/` is the old spelling of OR.
fn acceptable(expression: &str) -> bool {
    let words = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut tokens = words.split_whitespace().peekable();
    any_of(&mut tokens) == Some(true) && tokens.next().is_none()
}

type Tokens<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

/// The value of an alternative, or `None` if it is malformed.
fn any_of(tokens: &mut Tokens) -> Option<bool> {
    let mut verdict = all_of(tokens)?;
    while tokens.next_if_eq(&"OR").is_some() {
        verdict |= all_of(tokens)?;
    }
    Some(verdict)
}

fn all_of(tokens: &mut Tokens) -> Option<bool> {
    let mut verdict = one(tokens)?;
    while tokens.next_if_eq(&"AND").is_some() {
        verdict &= one(tokens)?;
    }
    Some(verdict)
}

fn one(tokens: &mut Tokens) -> Option<bool> {
    let word = tokens.next()?;
    if word == "(" {
        let verdict = any_of(tokens)?;
        return tokens.next_if_eq(&")").map(|_| verdict);
    }
    match tokens.next_if_eq(&"WITH") {
        Some(_) => Some(ALLOWED.contains(&format!("{word} WITH {}", tokens.next()?).as_str())),
        None => Some(ALLOWED.contains(&word)),
    }
}

#[test]
fn every_licence_is_permissive_or_file_wise() {
    let wrong = metadata().packages.iter().filter(|package| !package.license.as_deref().is_some_and(acceptable));
    let line = |package: &crate::workspace::Package| {
        format!("{} {}: {}", package.name, package.version, package.license.as_deref().unwrap_or("no licence stated"))
    };
    assert_none("dependencies under a licence that is not on the list:", wrong.map(line).collect());
}

#[test]
fn licence_expressions_are_read_as_spdx_says() {
    for good in ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(MIT OR GPL-2.0) AND Unicode-3.0", "Zlib OR X WITH Y"] {
        assert!(acceptable(good), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-2.0", "MIT WITH GPL", "(MIT", "MIT)", "MIT OR", "MIT MIT"] {
        assert!(!acceptable(bad), "{bad}");
    }
}

#[test]
fn cargo_deny_allows_the_same_licences() {
    let rules = std::fs::read_to_string(root().join(".cargo/deny.toml")).expect("rules of cargo-deny");
    let list = rules.split("\nallow = [").nth(1).and_then(|rest| rest.split(']').next()).expect("a list of licences");
    let allowed: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    assert_eq!(allowed, ALLOWED);
}

/// Two versions of these would compile, but their types would not match.
const SINGLE: [&str; 6] = ["wgpu", "wgpu-core", "wgpu-hal", "wgpu-types", "naga", "wasm-bindgen"];

#[test]
fn the_graphics_stack_exists_once() {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in metadata().packages.iter().filter(|package| SINGLE.contains(&package.name.as_str())) {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    assert!(versions.contains_key("wgpu"), "wgpu is not in the dependency tree: the list is stale");
    let doubled = versions.iter().filter(|(_, versions)| versions.len() > 1);
    let broken = doubled.map(|(name, versions)| format!("{name} in versions {}", versions.join(" and "))).collect();
    assert_none("packages that must exist once:", broken);
}
