//! Collects `shaders/`, pastes `//!include` lines once, validates every kernel with naga and writes one Rust constant per kernel.
//!
//! A shader that does not validate stops the build with its own file and line, not with a line of the pasted text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, StorageAccess, TypeInner};

/// Where a line of the pasted text came from.
type Origin = (PathBuf, usize);

fn main() {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../shaders");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut families: BTreeMap<String, String> = BTreeMap::new();
    let mut all = String::new();
    for path in wgsl_files(&root) {
        let family = path.parent().and_then(Path::file_name).expect("in a family").to_string_lossy().into_owned();
        if family == "common" {
            continue;
        }
        let stem = path.file_stem().expect("a file").to_string_lossy().into_owned();
        let constant = constant_of(&root, &path, &format!("{family}/{stem}"));
        let name = stem.to_uppercase();
        families.entry(family.clone()).or_default().push_str(&format!("    pub const {name}: Shader = {constant};\n"));
        writeln!(all, "    &{family}::{name},").expect("a string");
    }
    let mut out = String::new();
    for (family, constants) in &families {
        writeln!(out, "/// The kernels of `shaders/{family}`.\n#[allow(missing_docs)]\npub mod {family} {{\n    use super::{{Access, Binding, Shader}};\n{constants}}}").expect("a string");
    }
    writeln!(out, "/// Every kernel.\npub const ALL: &[&Shader] = &[\n{all}];").expect("a string");
    fs::write(Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("shaders.rs"), out)
        .expect("OUT_DIR is writable");
}

fn wgsl_files(root: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(root).expect("shaders/ exists").map(|entry| entry.expect("readable").path());
    let mut files: Vec<PathBuf> = folders
        .filter(|folder| folder.is_dir())
        .flat_map(|folder| fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable").path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "wgsl"))
        .collect();
    files.sort();
    files
}

/// Appends `path` to `text`, replacing each `//!include family/file.wgsl` by that file, once.
fn paste(root: &Path, path: &Path, pasted: &mut Vec<PathBuf>, text: &mut String, origins: &mut Vec<Origin>) {
    if pasted.iter().any(|seen| seen == path) {
        return;
    }
    pasted.push(path.to_owned());
    let source = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for (number, line) in source.lines().enumerate() {
        if let Some(include) = line.strip_prefix("//!include ") {
            paste(root, &root.join(include.trim()), pasted, text, origins);
            continue;
        }
        text.push_str(line);
        text.push('\n');
        origins.push((path.to_owned(), number + 1));
    }
}

fn constant_of(root: &Path, path: &Path, name: &str) -> String {
    let (mut text, mut origins) = (String::new(), Vec::new());
    paste(root, path, &mut Vec::new(), &mut text, &mut origins);
    let place = |line: Option<u32>| {
        let origin = line.and_then(|line| origins.get(line.saturating_sub(1) as usize));
        origin.map_or(path.display().to_string(), |(file, line)| format!("{}:{line}", file.display()))
    };
    let module = naga::front::wgsl::parse_str(&text).unwrap_or_else(|error| {
        let line = error.location(&text).map(|location| location.line_number);
        panic!("{}: {}", place(line), error.emit_to_string(&text))
    });
    // unpack2x16float only: the kernels do not use the f16 type.
    Validator::new(ValidationFlags::all(), Capabilities::SHADER_FLOAT16_IN_FLOAT32).validate(&module).unwrap_or_else(
        |error| {
            let line = error.spans().next().map(|(span, _)| span.location(&text).line_number);
            panic!("{}: {}", place(line), error.emit_to_string(&text))
        },
    );
    let bindings = bindings_of(&module);
    let params = params_of(&module);
    let overrides: Vec<&str> = module.overrides.iter().filter_map(|(_, item)| item.name.as_deref()).collect();
    format!(
        "Shader {{ name: {name:?}, source: {text:?}, bindings: &[{bindings}], params: &[{params}], overrides: &{overrides:?} }}"
    )
}

fn bindings_of(module: &naga::Module) -> String {
    let mut bindings: Vec<(u32, String)> = Vec::new();
    for (_, variable) in module.global_variables.iter() {
        let Some(binding) = variable.binding else { continue };
        assert_eq!(binding.group, 0, "kernels use bind group 0 only");
        let access = match variable.space {
            AddressSpace::Uniform => "Uniform",
            AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => "ReadWrite",
            _ => "Read",
        };
        let name = variable.name.clone().unwrap_or_default();
        bindings.push((
            binding.binding,
            format!("Binding {{ index: {}, name: {name:?}, access: Access::{access} }}", binding.binding),
        ));
    }
    bindings.sort();
    bindings.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(", ")
}

/// Name and byte offset of every field of `Params`, so that the Rust struct can be held against it.
fn params_of(module: &naga::Module) -> String {
    let params = module.types.iter().find(|(_, kind)| kind.name.as_deref() == Some("Params"));
    let Some((_, naga::Type { inner: TypeInner::Struct { members, .. }, .. })) = params else { return String::new() };
    let fields =
        members.iter().map(|member| format!("({:?}, {})", member.name.as_deref().unwrap_or(""), member.offset));
    fields.collect::<Vec<_>>().join(", ")
}
