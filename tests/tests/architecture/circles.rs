//! No two files of a crate import from each other, directly or through others: what belongs together is one file, the rest has
//! an order.
//!
//! An import is a `use` or an inline path that starts with `crate::`, `super::` or the name of a child module. A re-export is
//! followed to the file that defines the name. A module that imports from its own children composes them, which is no circle.

use std::collections::{BTreeMap, BTreeSet};

use crate::workspace::{Source, assert_none, metadata, sources};

/// Files by module path: `["audio", "load"]` is `audio/load.rs`, the root is `lib.rs` or `main.rs`.
type Modules = BTreeMap<Vec<String>, Source>;

#[test]
fn no_files_import_from_each_other() {
    let mut circles = Vec::new();
    for package in metadata().members() {
        let modules = modules(&package.folder().join("src").to_string_lossy());
        let edges: BTreeMap<_, _> = modules.keys().map(|module| (module.clone(), imports(&modules, module))).collect();
        for module in modules.keys() {
            if let Some(path) = way_back(&edges, module).filter(|path| path.iter().min() == Some(module)) {
                let names: Vec<&str> = path.iter().map(|module| modules[module].path.as_str()).collect();
                circles.push(names.join(" → "));
            }
        }
    }
    assert_none("circles of files:", circles);
}

fn modules(folder: &str) -> Modules {
    let module = |file: &Source| {
        let inside = file.path.rsplit_once("/src/").map_or(file.path.as_str(), |(_, inside)| inside);
        let names = inside.trim_end_matches(".rs").split('/').filter(|name| !["lib", "main", "mod"].contains(name));
        names.map(str::to_owned).collect()
    };
    sources(folder, &["rs"]).into_iter().map(|file| (module(&file), file)).collect()
}

/// The modules that a module imports from, without itself, the crate's root and its own children.
fn imports(modules: &Modules, module: &[String]) -> BTreeSet<Vec<String>> {
    let paths = paths(shipped(&modules[module].text));
    let found = paths.iter().filter_map(|path| resolve(modules, module, path, 0));
    found.filter(|found| !found.is_empty() && !found.starts_with(module)).collect()
}

/// The text without its unit tests.
fn shipped(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or_default()
}

/// Every path of the text, `use` groups expanded.
fn paths(text: &str) -> BTreeSet<Vec<String>> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join(" ");
    let mut found = BTreeSet::new();
    for statement in code.split(';') {
        let Some((_, tree)) =
            statement.split_once("use ").filter(|(before, _)| before.ends_with([' ', ')']) || before.is_empty())
        else {
            continue;
        };
        expand(tree.trim(), &mut Vec::new(), &mut found);
    }
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let path: String = code[at..].chars().take_while(|c| c.is_alphanumeric() || "_:".contains(*c)).collect();
            found.insert(path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect());
        }
    }
    found
}

/// Adds the paths of a `use` tree such as `a::{b, c::{self, d as e}}`.
fn expand(tree: &str, prefix: &mut Vec<String>, found: &mut BTreeSet<Vec<String>>) {
    let depth = prefix.len();
    match tree.split_once('{') {
        Some((head, rest)) => {
            prefix.extend(head.split("::").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned));
            let group = rest.rfind('}').map_or(rest, |end| &rest[..end]);
            for branch in branches(group) {
                expand(branch.trim(), prefix, found);
            }
        }
        None => {
            let name = tree.split(" as ").next().unwrap_or_default();
            let names = name.split("::").map(str::trim).filter(|name| !name.is_empty() && *name != "self");
            found.insert(prefix.iter().cloned().chain(names.map(str::to_owned)).collect());
        }
    }
    prefix.truncate(depth);
}

/// The branches of a group, split at commas outside of inner groups.
fn branches(group: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&group[start..]);
    parts
}

/// The module that defines what `path`, written in `module`, names.
fn resolve(modules: &Modules, module: &[String], path: &[String], hops: usize) -> Option<Vec<String>> {
    let mut at = module.to_vec();
    let mut rest = path;
    match rest.first()?.as_str() {
        "crate" => (at, rest) = (Vec::new(), &rest[1..]),
        "super" => {}
        name => {
            at.push(name.to_owned());
            if !modules.contains_key(&at) {
                return None;
            }
            rest = &rest[1..];
        }
    }
    while rest.first().is_some_and(|name| name == "super") {
        at.pop();
        rest = &rest[1..];
    }
    while let Some(name) = rest.first() {
        at.push(name.clone());
        if !modules.contains_key(&at) {
            at.pop();
            break;
        }
        rest = &rest[1..];
    }
    let name = rest.first();
    let exported = name.filter(|_| hops < 4).and_then(|name| {
        let inside = paths(&public_uses(shipped(&modules.get(&at)?.text)));
        let path = inside.into_iter().find(|path| path.last() == Some(name))?;
        resolve(modules, &at, &path, hops + 1)
    });
    Some(exported.unwrap_or(at))
}

/// The `pub use` statements of a text.
fn public_uses(text: &str) -> String {
    let statements =
        text.split(';').filter(|statement| statement.contains("pub use ") || statement.contains("pub(crate) use "));
    statements.map(|statement| format!("{statement};")).collect()
}

/// The shortest way from a module back to itself.
fn way_back(edges: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>, start: &Vec<String>) -> Option<Vec<Vec<String>>> {
    let mut ways = std::collections::VecDeque::from([vec![start.clone()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in edges.get(way.last()?)? {
            if next == start {
                return Some(way);
            }
            if seen.insert(next.clone()) {
                ways.push_back(way.iter().chain([next]).cloned().collect());
            }
        }
    }
    None
}

#[test]
fn use_trees_are_read_as_rust_reads_them() {
    let text = "use a::{b, c::{self, d as e}};\npub use f::g; // use x::y;\nfn h() { crate::i::j(super::k) }";
    let found: Vec<String> = paths(text).iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["a::b", "a::c", "a::c::d", "crate::i::j", "f::g", "super::k"]);
}
