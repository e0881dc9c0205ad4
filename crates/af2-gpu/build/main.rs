//! Writes one Rust constant per kernel of `shaders/`, collected, pasted and validated. Mistakes stop the build, all of them listed.

mod check;
mod collect;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use naga::{AddressSpace, Module, StorageAccess, TypeInner};

use crate::collect::Kernel;

fn main() -> ExitCode {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../shaders");
    println!("cargo::rerun-if-changed={}", root.display());
    let kernels = match check::checked(&root) {
        Ok(kernels) => kernels,
        Err(problems) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            eprintln!("{} mistakes in shaders/", problems.len());
            return ExitCode::FAILURE;
        }
    };
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("shaders.rs");
    fs::write(out, constants(&kernels)).expect("OUT_DIR is writable");
    ExitCode::SUCCESS
}

/// A module per family with a constant per kernel, and the list of all.
fn constants(kernels: &[(Kernel, Module)]) -> String {
    let mut families: BTreeMap<&str, String> = BTreeMap::new();
    let mut all = String::new();
    for (kernel, module) in kernels {
        let (family, name) = (kernel.family.as_str(), kernel.name.to_uppercase());
        let text = families.entry(family).or_default();
        writeln!(text, "    pub const {name}: Shader = {};", constant(kernel, module)).expect("a string");
        // Browsers have no matrix units: they need not download kernels for them.
        let native =
            if enables(kernel, "wgpu_cooperative_matrix") { "#[cfg(not(target_family = \"wasm\"))] " } else { "" };
        writeln!(all, "    {native}&{family}::{name},").expect("a string");
    }
    let mut out = String::new();
    for (family, text) in families {
        writeln!(out, "/// The kernels of `shaders/{family}`.\n#[allow(missing_docs)]\npub mod {family} {{\n    use super::{{Access, Binding, Shader}};\n{text}}}").expect("a string");
    }
    out + &format!("/// Every kernel.\npub const ALL: &[&Shader] = &[\n{all}];\n")
}

fn constant(kernel: &Kernel, module: &Module) -> String {
    let (name, source) = (format!("{}/{}", kernel.family, kernel.name), without_comments(&kernel.text));
    let (bindings, params) = (bindings(module), params(module));
    let (half, cooperative) = (enables(kernel, "f16"), enables(kernel, "wgpu_cooperative_matrix"));
    let overrides: Vec<&str> = module.overrides.iter().filter_map(|(_, item)| item.name.as_deref()).collect();
    format!(
        "Shader {{ name: {name:?}, source: {source:?}, bindings: &[{bindings}], params: &[{params}], overrides: &{overrides:?}, half: {half}, cooperative: {cooperative} }}"
    )
}

/// Whether a kernel enables an extension of WGSL.
fn enables(kernel: &Kernel, extension: &str) -> bool {
    kernel.text.lines().any(|line| line == format!("enable {extension};"))
}

/// The text without comments and indentation, a third of it: browsers download it with the engine.
fn without_comments(text: &str) -> String {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default().trim());
    code.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn bindings(module: &Module) -> String {
    let mut bindings: Vec<(u32, String)> = Vec::new();
    for (_, variable) in module.global_variables.iter() {
        let Some(binding) = variable.binding else { continue };
        let access = match variable.space {
            AddressSpace::Uniform => "Uniform",
            AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => "ReadWrite",
            AddressSpace::Handle => "Texels",
            _ => "Read",
        };
        let (index, name) = (binding.binding, variable.name.clone().unwrap_or_default());
        bindings.push((index, format!("Binding {{ index: {index}, name: {name:?}, access: Access::{access} }}")));
    }
    bindings.sort();
    bindings.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(", ")
}

/// Name and byte offset of every field of `Params`, which the Rust struct is compared with.
fn params(module: &Module) -> String {
    let params = module.types.iter().find(|(_, kind)| kind.name.as_deref() == Some("Params"));
    let Some((_, naga::Type { inner: TypeInner::Struct { members, .. }, .. })) = params else { return String::new() };
    let fields =
        members.iter().map(|member| format!("({:?}, {})", member.name.as_deref().unwrap_or(""), member.offset));
    fields.collect::<Vec<_>>().join(", ")
}
