//! Shorter glue: the names that wasm-bindgen invents are long, and each stands in the script and in the module; and some of what it
//! writes serves nobody here.

use anyhow::{Context, Result};
use std::{collections::HashMap, fs, path::Path};
use walrus::Module;

/// How the invented names start; all other names are somebody's interface.
const INVENTED: [&str; 4] = ["__wbg_", "__wbindgen_", "__wasm_bindgen_", "__destroy_into_raw"];

/// Stretches of the glue that are never reached or say little in many words: how they begin and end, and what takes their place.
const SHORTER: [(&str, &str, &str); 12] = [
    // every browser with the rest of what is needed has it
    ("(typeof FinalizationRegistry === 'undefined')", ": new FinalizationRegistry", "new FinalizationRegistry"),
    // `using` is not written with these classes
    ("if (Symbol.dispose)", ".free;", ""),
    // the module is instantiated asynchronously
    ("export { initSync, ", "", "export { "),
    // it is given one object, and strings are passed with a way to grow
    ("} else {\n            console.warn('using deprecated parameters", "}", "}"),
    ("if (realloc === undefined) {", "}\n", ""),
    // memory that grew has another buffer
    ("cachedDataViewMemory0 === null || ", ") {", "cachedDataViewMemory0?.buffer !== wasm.memory.buffer) {"),
    // what a panic's message says of a JavaScript value: of an error all, of the rest its name
    ("function debugString(val) {", "\n}\n", DEBUG_STRING),
    // no kernel has textures or samplers
    ("const __wbindgen_enum_GpuTextureFormat = [", "];", "const __wbindgen_enum_GpuTextureFormat = [];"),
    ("const __wbindgen_enum_GpuTextureSampleType = [", "];", "const __wbindgen_enum_GpuTextureSampleType = [];"),
    ("const __wbindgen_enum_GpuTextureViewDimension = [", "];", "const __wbindgen_enum_GpuTextureViewDimension = [];"),
    ("const __wbindgen_enum_GpuStorageTextureAccess = [", "];", "const __wbindgen_enum_GpuStorageTextureAccess = [];"),
    ("const __wbindgen_enum_GpuSamplerBindingType = [", "];", "const __wbindgen_enum_GpuSamplerBindingType = [];"),
];

const DEBUG_STRING: &str = r"function debugString(val) {
    return val instanceof Error ? `${val.name}: ${val.message}\n${val.stack}` : String(val);
}
";

/// Shortens stretches of the glue, and renames the invented names in it and in its module alike.
pub fn run(script_file: &Path, wasm_file: &Path) -> Result<()> {
    let script = fs::read_to_string(script_file).context("wasm-bindgen wrote no script")?;
    let script = SHORTER.iter().fold(script, |script, stretch| shortened(&script, stretch));
    let mut names = HashMap::new();
    let script: String = words(&script).map(|word| shorten(word, &mut names)).collect();
    let mut module = Module::from_file(wasm_file)?;
    for import in module.imports.iter_mut() {
        import.name = names.get(&import.name).unwrap_or(&import.name).clone();
    }
    for export in module.exports.iter_mut() {
        export.name = names.get(&export.name).unwrap_or(&export.name).clone();
    }
    module.emit_wasm_file(wasm_file)?;
    Ok(fs::write(script_file, script)?)
}

/// The text with every stretch from `begin` to the next `end` replaced.
fn shortened(text: &str, (begin, end, instead): &(&str, &str, &str)) -> String {
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(begin) {
        let Some((_, after)) = after.split_once(end) else { break };
        kept.extend([before, instead]);
        rest = after;
    }
    kept + rest
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
