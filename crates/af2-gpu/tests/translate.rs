//! Every kernel translates for every native graphics API: SPIR-V (Vulkan), MSL (Metal) and HLSL (DirectX 12).
//!
//! Machines with Metal or DirectX are not at hand in every test run; a shader that one of the translators refuses is
//! found here and not by a user. The override constants are resolved with their defaults, as a driver would get them.

use af2_gpu::shader::{ALL, Shader};
use naga::back::pipeline_constants::process_overrides;
use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{Module, ShaderStage};

/// The entry point of every kernel.
const ENTRY: (ShaderStage, &str) = (ShaderStage::Compute, "main");

/// The version of Metal's language for portable kernels, and for those on matrix units: wgpu asks for it where an adapter has them.
const METAL: (u8, u8) = (2, 1);
const METAL_WITH_MATRICES: (u8, u8) = (2, 3);

type Translate = fn(&Module, &ModuleInfo) -> Result<String, String>;

/// The text of a kernel with constants in place of overrides, validated.
fn resolved(shader: &Shader) -> Result<(Module, ModuleInfo), String> {
    let module = naga::front::wgsl::parse_str(shader.source).map_err(|error| error.emit_to_string(shader.source))?;
    let enabled = Capabilities::SHADER_FLOAT16 | Capabilities::SUBGROUP | Capabilities::COOPERATIVE_MATRIX;
    let info = Validator::new(ValidationFlags::all(), Capabilities::SHADER_FLOAT16_IN_FLOAT32 | enabled)
        .validate(&module)
        .map_err(|error| error.emit_to_string(shader.source))?;
    let (module, info) = process_overrides(&module, &info, Some(ENTRY), &Default::default())
        .map_err(|error| format!("an override has no default that works: {error}"))?;
    Ok((module.into_owned(), info.into_owned()))
}

fn to_spirv(module: &Module, info: &ModuleInfo) -> Result<String, String> {
    let entry = spv::PipelineOptions { shader_stage: ENTRY.0, entry_point: ENTRY.1.into() };
    let options = spv::Options { lang_version: (1, 3), ..Default::default() };
    let words = spv::write_vec(module, info, &options, Some(&entry)).map_err(|error| error.to_string())?;
    Ok(format!("{} words", words.len()))
}

fn to_metal(module: &Module, info: &ModuleInfo) -> Result<String, String> {
    metal_of(METAL, module, info)
}

fn metal_of(lang_version: (u8, u8), module: &Module, info: &ModuleInfo) -> Result<String, String> {
    let entry = msl::PipelineOptions { entry_point: Some((ENTRY.0, ENTRY.1.into())), ..Default::default() };
    let options = msl::Options { lang_version, ..Default::default() };
    let (text, translated) = msl::write_string(module, info, &options, &entry).map_err(|error| error.to_string())?;
    translated.entry_point_names.into_iter().collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    Ok(text)
}

fn to_direct_x(module: &Module, info: &ModuleInfo) -> Result<String, String> {
    let entry = hlsl::PipelineOptions { entry_point: Some((ENTRY.0, ENTRY.1.into())) };
    let options = hlsl::Options {
        // float16 came with 6.2, which wgpu asks for where an adapter has it
        shader_model: hlsl::ShaderModel::V6_2,
        ..Default::default()
    };
    let mut text = String::new();
    let written = hlsl::Writer::new(&mut text, &options, &entry).write(module, info, None);
    let translated = written.map_err(|error| error.to_string())?;
    translated.entry_point_names.into_iter().collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    Ok(text)
}

/// One line per kernel that `translate` refuses or turns into nothing.
fn refusals(kernels: &[&Shader], translate: Translate) -> Vec<String> {
    let translated = |shader: &Shader| resolved(shader).and_then(|(module, info)| translate(&module, &info));
    let refusal = |shader: &&Shader| match translated(shader) {
        Ok(text) if !text.is_empty() => None,
        Ok(_) => Some(format!("{}: nothing was written", shader.name)),
        Err(error) => Some(format!("{}: {error}", shader.name)),
    };
    kernels.iter().filter_map(refusal).collect()
}

fn assert_all_translate(api: &str, kernels: &[&Shader], translate: Translate) {
    assert!(!kernels.is_empty(), "no kernels were collected");
    let (refused, all) = (refusals(kernels, translate), kernels.len());
    assert!(refused.is_empty(), "{} of {all} kernels fail for {api}:\n{}", refused.len(), refused.join("\n"));
}

/// The kernels on matrix units, or all others.
fn kernels(cooperative: bool) -> Vec<&'static Shader> {
    ALL.iter().copied().filter(|shader| shader.cooperative == cooperative).collect()
}

#[test]
fn vulkan() {
    assert_all_translate("SPIR-V", ALL, to_spirv);
}

#[test]
fn metal() {
    assert_all_translate("MSL", &kernels(false), to_metal);
    assert_all_translate("MSL 2.3", &kernels(true), |module, info| metal_of(METAL_WITH_MATRICES, module, info));
}

#[test]
fn direct_x() {
    // wgpu has no matrix units there.
    assert_all_translate("HLSL", &kernels(false), to_direct_x);
}

#[test]
fn a_shader_without_the_entry_point_is_refused() {
    let source = "@compute @workgroup_size(1) fn other() {}";
    let shader = Shader {
        name: "none/other",
        source,
        bindings: &[],
        params: &[],
        overrides: &[],
        half: false,
        cooperative: false,
    };
    for translate in [to_spirv as Translate, to_metal, to_direct_x] {
        let refused = resolved(&shader).and_then(|(module, info)| translate(&module, &info));
        assert!(refused.is_err(), "a missing entry point must be refused, got {refused:?}");
    }
}
