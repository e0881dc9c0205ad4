//! WGSL to SPIR-V as wgpu translates it for a Vulkan driver with robust buffers.

use std::collections::HashMap;

use af2_gpu::shader::Shader;
use anyhow::{Context, Result, anyhow};
use naga::ShaderStage;
use naga::back::pipeline_constants::process_overrides;
use naga::back::spv::{self, WriterFlags, ZeroInitializeWorkgroupMemoryMode};
use naga::proc::BoundsCheckPolicy;
use naga::valid::{Capabilities, ValidationFlags, Validator};

/// The SPIR-V of a kernel with these override constants.
pub fn translate(shader: &Shader, constants: &[(String, f64)]) -> Result<Vec<u32>> {
    let named = || format!("translating {}", shader.name);
    let module = naga::front::wgsl::parse_str(shader.source).with_context(named)?;
    let enabled = Capabilities::SHADER_FLOAT16 | Capabilities::SUBGROUP | Capabilities::COOPERATIVE_MATRIX;
    let info = Validator::new(ValidationFlags::all(), Capabilities::SHADER_FLOAT16_IN_FLOAT32 | enabled)
        .validate(&module)
        .map_err(|error| anyhow!("{}", error.emit_to_string(shader.source)))
        .with_context(named)?;
    let constants: HashMap<String, f64> = constants.iter().cloned().collect();
    let entry = (ShaderStage::Compute, "main");
    let (module, info) =
        process_overrides(&module, &info, Some(entry), &constants.into_iter().collect()).with_context(named)?;
    let mut options = spv::Options {
        lang_version: (1, 3),
        zero_initialize_workgroup_memory: ZeroInitializeWorkgroupMemoryMode::None,
        ..spv::Options::default()
    };
    options.flags.remove(WriterFlags::DEBUG);
    // The driver checks buffer indices, the translation array indices. Loops keep naga's guard against endless loops.
    options.bounds_check_policies.index = BoundsCheckPolicy::Restrict;
    options.bounds_check_policies.buffer = BoundsCheckPolicy::Unchecked;
    let pipeline = spv::PipelineOptions { shader_stage: entry.0, entry_point: entry.1.into() };
    spv::write_vec(&module, &info, &options, Some(&pipeline)).with_context(named)
}
