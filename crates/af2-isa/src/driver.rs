//! A Vulkan device that only compiles, and the statistics of what it compiled (`VK_KHR_pipeline_executable_properties`).
#![allow(unsafe_code)] // Vulkan is a C interface, and wgpu neither opens a device that cannot run nor reports these statistics

use std::ffi::CStr;
use std::ptr;

use af2_gpu::shader::{Access, Shader};
use anyhow::{Context, Result, bail};
use ash::vk;

/// A device that compiles and cannot run.
pub struct Driver {
    /// The GPU that it compiles for.
    pub name: String,
    /// Whether it compiles for the GPU's matrix units. RADV of Mesa 25 does, for RDNA 3; that of Mesa 22 does not.
    pub cooperative: bool,
    device: ash::Device,
    executables: ash::khr::pipeline_executable_properties::Device,
    // Dropping the entry unloads Vulkan's library, which the device needs.
    _entry: ash::Entry,
}

/// Statistics and machine code of a compiled kernel.
pub struct Compiled {
    /// Machine instructions.
    pub instructions: u64,
    /// Vector registers per thread.
    pub registers: u64,
    /// Registers spilled to memory, plus bytes of arrays there.
    pub spilled: u64,
    /// Subgroups resident on a SIMD unit.
    pub waves: u64,
    /// The machine code.
    pub text: String,
}

impl Driver {
    /// Opens Mesa's RADV driver, for the GPU that `RADV_FORCE_FAMILY` names.
    pub fn open() -> Result<Self> {
        // SAFETY: every handle is made from the one before it, which outlives it in `Self`; structures live until their call returns.
        unsafe {
            let entry = ash::Entry::load().context("Vulkan's loader is missing; install libvulkan1")?;
            let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
            let instance = vk::InstanceCreateInfo::default().application_info(&application);
            let instance = entry.create_instance(&instance, None).context("opening Vulkan")?;
            let name = |adapter: &vk::PhysicalDevice| {
                let properties = instance.get_physical_device_properties(*adapter);
                CStr::from_ptr(properties.device_name.as_ptr()).to_string_lossy().into_owned()
            };
            let adapters = instance.enumerate_physical_devices()?;
            let Some(adapter) = adapters.into_iter().find(|adapter| name(adapter).contains("RADV")) else {
                bail!("Mesa's RADV driver is missing or knows no such GPU; install mesa-vulkan-drivers");
            };
            let queue = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
            let mut extensions =
                vec![ash::khr::pipeline_executable_properties::NAME.as_ptr(), ash::ext::robustness2::NAME.as_ptr()];
            let matrices = ash::khr::cooperative_matrix::NAME;
            let offered = instance.enumerate_device_extension_properties(adapter)?;
            let cooperative = offered.iter().any(|one| one.extension_name_as_c_str() == Ok(matrices));
            let mut units = vk::PhysicalDeviceCooperativeMatrixFeaturesKHR::default().cooperative_matrix(cooperative);
            let features = vk::PhysicalDeviceFeatures::default().robust_buffer_access(true);
            let mut statistics =
                vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default().pipeline_executable_info(true);
            let mut half = vk::PhysicalDeviceShaderFloat16Int8Features::default().shader_float16(true);
            let mut robust = vk::PhysicalDeviceRobustness2FeaturesEXT::default().robust_buffer_access2(true);
            let description = vk::DeviceCreateInfo::default()
                .queue_create_infos(&queue)
                .enabled_features(&features)
                .push_next(&mut statistics)
                .push_next(&mut half)
                .push_next(&mut robust);
            let description = if cooperative {
                extensions.push(matrices.as_ptr());
                description.enabled_extension_names(&extensions).push_next(&mut units)
            } else {
                description.enabled_extension_names(&extensions)
            };
            let device = instance.create_device(adapter, &description, None).context("opening the driver")?;
            let executables = ash::khr::pipeline_executable_properties::Device::new(&instance, &device);
            Ok(Self { name: name(&adapter), cooperative, device, executables, _entry: entry })
        }
    }

    /// Compiles a kernel. Its Vulkan objects live until the process ends.
    pub fn compile(&self, shader: &Shader, words: &[u32]) -> Result<Compiled> {
        let bindings: Vec<_> = shader.bindings.iter().map(binding).collect();
        // SAFETY: the handles are this device's, the words were validated by naga, and structures live until their call returns.
        unsafe {
            let module = vk::ShaderModuleCreateInfo::default().code(words);
            let module = self.device.create_shader_module(&module, None)?;
            let set = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
            let sets = [self.device.create_descriptor_set_layout(&set, None)?];
            let layout = vk::PipelineLayoutCreateInfo::default().set_layouts(&sets);
            let layout = self.device.create_pipeline_layout(&layout, None)?;
            let stage = vk::PipelineShaderStageCreateInfo::default()
                .stage(vk::ShaderStageFlags::COMPUTE)
                .module(module)
                .name(c"main");
            let capture = vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR
                | vk::PipelineCreateFlags::CAPTURE_INTERNAL_REPRESENTATIONS_KHR;
            let pipeline = [vk::ComputePipelineCreateInfo::default().layout(layout).stage(stage).flags(capture)];
            let pipelines = self.device.create_compute_pipelines(vk::PipelineCache::null(), &pipeline, None);
            let pipelines =
                pipelines.map_err(|(_, error)| error).with_context(|| format!("compiling {}", shader.name))?;
            let executable = vk::PipelineExecutableInfoKHR::default().pipeline(pipelines[0]);
            let statistics = self.executables.get_pipeline_executable_statistics(&executable)?;
            let count = |name: &str| {
                let named = |found: &&vk::PipelineExecutableStatisticKHR<'_>| {
                    CStr::from_ptr(found.name.as_ptr()).to_bytes() == name.as_bytes()
                };
                let found = statistics.iter().find(named);
                found
                    .map(|found| found.value.u64)
                    .with_context(|| format!("this version of Mesa does not report '{name}'"))
            };
            Ok(Compiled {
                instructions: count("Instructions")?,
                registers: count("VGPRs")?,
                spilled: count("Spilled VGPRs")? + count("Scratch size")?,
                waves: count("Subgroups per SIMD")?,
                text: self.assembly(&executable)?,
            })
        }
    }

    /// The machine code of an executable.
    ///
    /// # Safety
    /// The executable's pipeline is this device's and captured its representations.
    unsafe fn assembly(&self, executable: &vk::PipelineExecutableInfoKHR<'_>) -> Result<String> {
        let read = self.executables.fp().get_pipeline_executable_internal_representations_khr;
        let mut count = 0;
        // SAFETY: as this function's; the second call fills `count` elements, the third the bytes that the second asked for.
        unsafe {
            read(self.device.handle(), executable, &mut count, ptr::null_mut()).result()?;
            let mut texts = vec![vk::PipelineExecutableInternalRepresentationKHR::default(); count as usize];
            read(self.device.handle(), executable, &mut count, texts.as_mut_ptr()).result()?;
            let mut bytes: Vec<Vec<u8>> = texts.iter().map(|text| vec![0; text.data_size]).collect();
            for (text, bytes) in texts.iter_mut().zip(&mut bytes) {
                text.p_data = bytes.as_mut_ptr().cast();
            }
            read(self.device.handle(), executable, &mut count, texts.as_mut_ptr()).result()?;
            let assembly =
                texts.iter().position(|text| CStr::from_ptr(text.name.as_ptr()).to_bytes().ends_with(b"Assembly"));
            let text = assembly.map(|index| String::from_utf8_lossy(&bytes[index]).into_owned());
            Ok(text.unwrap_or_default())
        }
    }
}

fn binding(binding: &af2_gpu::shader::Binding) -> vk::DescriptorSetLayoutBinding<'static> {
    let kind = match binding.access {
        Access::Uniform => vk::DescriptorType::UNIFORM_BUFFER,
        Access::Read | Access::ReadWrite => vk::DescriptorType::STORAGE_BUFFER,
        Access::Texels => vk::DescriptorType::SAMPLED_IMAGE,
    };
    vk::DescriptorSetLayoutBinding::default()
        .binding(binding.index)
        .descriptor_count(1)
        .descriptor_type(kind)
        .stage_flags(vk::ShaderStageFlags::COMPUTE)
}
