//! Validates kernels with naga. Every mistake of all shaders is found in one go, at its own file and line.

use std::path::Path;

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{Module, ShaderStage};

use crate::collect::{Kernel, Problem, collect};

/// The kernels below `root` with their modules.
///
/// # Errors
/// Every mistake, in order of its place. A mistake in a text that several kernels paste is one.
pub fn checked(root: &Path) -> Result<Vec<(Kernel, Module)>, Vec<Problem>> {
    let (kernels, mut problems) = collect(root);
    let mut valid = Vec::new();
    for kernel in kernels {
        match module_of(&kernel) {
            Ok(module) => valid.push((kernel, module)),
            Err(problem) => problems.push(problem),
        }
    }
    problems.sort();
    problems.dedup_by(|a, b| a.place == b.place);
    if problems.is_empty() { Ok(valid) } else { Err(problems) }
}

fn module_of(kernel: &Kernel) -> Result<Module, Problem> {
    let whole = format!("{}/{} with includes pasted", kernel.family, kernel.name);
    let problem = |line: Option<u32>, text: String| {
        let origin = line.and_then(|line| kernel.origins.get(line.saturating_sub(1) as usize));
        Problem { place: origin.cloned().unwrap_or((kernel.file.clone(), 1)), text }
    };
    let module = naga::front::wgsl::parse_str(&kernel.text).map_err(|error| {
        let line = error.location(&kernel.text).map(|location| location.line_number);
        problem(line, error.emit_to_string_with_path(&kernel.text, &whole))
    })?;
    // Packing and unpacking of float16 works everywhere; the other capabilities are for kernels that enable them.
    let enabled = Capabilities::SHADER_FLOAT16 | Capabilities::SUBGROUP | Capabilities::COOPERATIVE_MATRIX;
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::SHADER_FLOAT16_IN_FLOAT32 | enabled);
    validator.validate(&module).map_err(|error| {
        let line = error.spans().next().map(|(span, _)| span.location(&kernel.text).line_number);
        problem(line, error.emit_to_string_with_path(&kernel.text, &whole))
    })?;
    let entries: Vec<(ShaderStage, &str)> =
        module.entry_points.iter().map(|entry| (entry.stage, entry.name.as_str())).collect();
    if entries != [(ShaderStage::Compute, "main")] {
        return Err(problem(None, format!("a kernel has one entry point, @compute fn main, not {entries:?}")));
    }
    if module.global_variables.iter().any(|(_, variable)| variable.binding.is_some_and(|binding| binding.group != 0)) {
        return Err(problem(None, "kernels use bind group 0 only".into()));
    }
    Ok(module)
}
