//! Shorter glue: the names that wasm-bindgen invents are long, and each stands in the script and in the module.

use anyhow::{Context, Result};
use std::{collections::HashMap, fs, path::Path};
use walrus::Module;

/// How the invented names start; all other names are somebody's interface.
const INVENTED: [&str; 4] = ["__wbg_", "__wbindgen_", "__wasm_bindgen_", "__destroy_into_raw"];

/// Renames the invented names of `folder`/af2.js and af2_bg.wasm alike.
pub fn run(folder: &Path) -> Result<()> {
    let (script_file, wasm_file) = (folder.join("af2.js"), folder.join("af2_bg.wasm"));
    let script = fs::read_to_string(&script_file).context("wasm-bindgen wrote no script")?;
    let mut names = HashMap::new();
    let script: String = words(&script).map(|word| shorten(word, &mut names)).collect();
    let mut module = Module::from_file(&wasm_file)?;
    for import in module.imports.iter_mut() {
        import.name = names.get(&import.name).unwrap_or(&import.name).clone();
    }
    for export in module.exports.iter_mut() {
        export.name = names.get(&export.name).unwrap_or(&export.name).clone();
    }
    module.emit_wasm_file(&wasm_file)?;
    Ok(fs::write(&script_file, script)?)
}

/// The text cut before and after every identifier.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

/// The word's short name if it is an invented one; each gets its own.
fn shorten(word: &str, names: &mut HashMap<String, String>) -> String {
    if !INVENTED.iter().any(|start| word.starts_with(start)) {
        return word.to_owned();
    }
    let next = names.len();
    names.entry(word.to_owned()).or_insert_with(|| format!("$_{next:x}")).clone()
}
