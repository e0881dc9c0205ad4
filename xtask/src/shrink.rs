//! Shrinks the glue of wasm-bindgen: shortens the names it generates, in script and module, and removes code that is never
//! reached here.

use anyhow::{Context, Result};
use std::{collections::HashMap, fs, path::Path};
use walrus::Module;

/// Prefixes of generated names. All other names are part of an interface.
const GENERATED: [&str; 4] = ["__wbg_", "__wbindgen_", "__wasm_bindgen_", "__destroy_into_raw"];

/// Passages of the glue to replace: begin, end, replacement.
const REPLACEMENTS: [(&str, &str, &str); 12] = [
    // every browser with WebGPU or wasm SIMD has it
    ("(typeof FinalizationRegistry === 'undefined')", ": new FinalizationRegistry", "new FinalizationRegistry"),
    // `using` is not used with these classes
    ("if (Symbol.dispose)", ".free;", ""),
    // the module is instantiated asynchronously
    ("export { initSync, ", "", "export { "),
    // it always gets one object, and strings always come with a way to grow
    ("} else {\n            console.warn('using deprecated parameters", "}", "}"),
    ("if (realloc === undefined) {", "}\n", ""),
    // memory that has grown has another buffer
    ("cachedDataViewMemory0 === null || ", ") {", "cachedDataViewMemory0?.buffer !== wasm.memory.buffer) {"),
    // a panic's view of a JavaScript value: an error's stack, else the value as a string
    ("function debugString(val) {", "\n}\n", DEBUG_STRING),
    // no kernel uses textures or samplers
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

/// Applies the replacements to the script, and shortens the generated names in script and module.
pub fn run(script_file: &Path, wasm_file: &Path) -> Result<()> {
    let script = fs::read_to_string(script_file).context("wasm-bindgen wrote no script")?;
    let script = REPLACEMENTS.iter().fold(script, |script, passage| replaced(&script, passage));
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

/// The text with every passage from `begin` to the next `end` replaced.
fn replaced(text: &str, (begin, end, replacement): &(&str, &str, &str)) -> String {
    let (mut result, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(begin) {
        let Some((_, after)) = after.split_once(end) else { break };
        result.extend([before, replacement]);
        rest = after;
    }
    result + rest
}

/// The text, split before and after every identifier.
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

/// The word's short name if it is a generated one. Each gets its own.
fn shorten(word: &str, names: &mut HashMap<String, String>) -> String {
    if !GENERATED.iter().any(|start| word.starts_with(start)) {
        return word.to_owned();
    }
    let next = names.len();
    names.entry(word.to_owned()).or_insert_with(|| format!("$_{next:x}")).clone()
}
