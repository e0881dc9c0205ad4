//! One adapter, its device and queue, and their limits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::faults::{Faults, lock};
use crate::shader::{Access, Shader};
use crate::{
    Buffer, CooperativeMatrix, DeviceProfile, GpuError, Kernels, MatrixShape, MatvecKernel, MatvecSizes, MemoryUse,
    Tuning,
};

/// Counted up when measurements of former kernels no longer hold.
const KERNELS: u32 = 4;

/// Which adapter to ask for.
#[derive(Debug, Clone, Default)]
pub struct GpuOptions {
    /// Prefer the integrated GPU of a laptop.
    pub low_power: bool,
    /// Part of an adapter's name, upper or lower case; desktop only.
    pub adapter: Option<String>,
}

/// Description and limits of an adapter.
#[derive(Debug, Clone)]
pub struct AdapterInfo {
    /// Marketing name.
    pub name: String,
    /// Vulkan, Metal, Dx12 or BrowserWebGpu.
    pub backend: String,
    /// Discrete, integrated, virtual or CPU.
    pub kind: String,
    /// Driver and its version.
    pub driver: String,
    /// Whether the adapter is software (runs on the CPU) rather than a hardware GPU.
    pub software: bool,
    /// Largest buffer.
    pub max_buffer_bytes: u64,
    /// Most bytes of a buffer that a kernel can bind.
    pub max_binding_bytes: u64,
    /// Most invocations per workgroup.
    pub max_invocations: u32,
    /// Bytes of workgroup memory.
    pub workgroup_memory_bytes: u32,
    /// Whether `enable f16` works.
    pub shader_f16: bool,
    /// Its matrix units, where wgpu can use them: not in browsers.
    pub cooperative_matrix: Option<CooperativeMatrix>,
    /// Whether passes can be timed on the GPU.
    pub timestamps: bool,
}

impl AdapterInfo {
    /// The key under which measured [`Kernels`] are stored: it changes with the driver and the kernels.
    pub fn tuning_key(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        format!("{} | {} | {} | af2 {version}, kernels {KERNELS}", self.name, self.backend, self.driver)
    }
}

#[derive(Debug)]
pub(crate) struct Pipeline {
    pub raw: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
}

type PipelineKey = (&'static str, String);

struct Inner {
    instance: wgpu::Instance,
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: AdapterInfo,
    profile: DeviceProfile,
    limits: wgpu::Limits,
    memory: Arc<MemoryUse>,
    faults: Arc<Faults>,
    pipelines: Mutex<HashMap<PipelineKey, Arc<Pipeline>>>,
    empty: Buffer,
}

/// A device and its queue; cheap to clone.
#[derive(Clone)]
pub struct Gpu(Arc<Inner>, Arc<Kernels>);

impl std::fmt::Debug for Gpu {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Gpu").field("adapter", &self.0.info.name).finish_non_exhaustive()
    }
}

impl Gpu {
    /// Opens the adapter that `options` describe, with all its limits.
    ///
    /// # Errors
    /// There is no such adapter, or it gives no device.
    pub async fn open(options: &GpuOptions) -> Result<Self, GpuError> {
        let instance = instance();
        let adapter = match &options.adapter {
            Some(name) => adapter_named(&instance, name).await?,
            None => default_adapter(&instance, options).await?,
        };
        Self::from_adapter(instance, &adapter).await
    }

    /// All adapters of this machine.
    pub async fn adapters() -> Vec<AdapterInfo> {
        let adapters = instance().enumerate_adapters(wgpu::Backends::all()).await;
        adapters.iter().map(info_of).collect()
    }

    // wgpu's handles are not Send on the web; the Arc is only a shared pointer there.
    #[allow(clippy::arc_with_non_send_sync)]
    async fn from_adapter(instance: wgpu::Instance, adapter: &wgpu::Adapter) -> Result<Self, GpuError> {
        let limits = adapter.limits();
        let mut info = info_of(adapter);
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("af2"),
            required_features: adapter.features() & (wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::SHADER_F16),
            required_limits: limits.clone(),
            ..Default::default()
        };
        let mut requested = adapter.request_device(&with_matrix_units(descriptor.clone(), &info)).await;
        if requested.is_err() && info.cooperative_matrix.take().is_some() {
            requested = adapter.request_device(&descriptor).await;
        }
        let (device, queue) = requested.map_err(|error| refusal(&error.to_string()))?;
        let memory = Arc::new(MemoryUse::default());
        let faults = Faults::watch(&device, &memory);
        let empty = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("empty"),
            size: 64,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        let empty = Buffer::new(empty, &memory);
        let profile = DeviceProfile::of_adapter(&info.name);
        let kernels = Kernels::from(Tuning::default_for(info.software));
        let pipelines = Mutex::default();
        let inner = Inner { instance, device, queue, info, profile, limits, memory, faults, pipelines, empty };
        Ok(Self(Arc::new(inner), Arc::new(kernels)))
    }

    /// The adapter's info.
    pub fn info(&self) -> &AdapterInfo {
        &self.0.info
    }

    /// The tuning that plans for this device are built with.
    pub fn tuning(&self) -> Tuning {
        self.1.tuning
    }

    /// The tuning and what was measured for single matrices.
    pub fn kernels(&self) -> &Kernels {
        &self.1
    }

    /// The sizes of a matvec with such a matrix: those measured, or those that the rules choose for a GPU of this name.
    pub fn matvec_sizes(&self, shape: MatrixShape) -> MatvecSizes {
        let tuning = self.tuning();
        let measured = (tuning.matvec == MatvecKernel::Staged).then(|| self.1.measured(shape)).flatten();
        measured.unwrap_or_else(|| MatvecSizes::choose(shape, tuning, &self.0.profile))
    }

    /// What is known of a GPU of this name.
    pub fn device_profile(&self) -> &DeviceProfile {
        &self.0.profile
    }

    /// The same device with other kernels, or another tuning, for plans built from now on.
    #[must_use]
    pub fn tuned(&self, kernels: impl Into<Kernels>) -> Self {
        Self(self.0.clone(), Arc::new(kernels.into()))
    }

    /// The device's limits.
    pub fn limits(&self) -> &wgpu::Limits {
        &self.0.limits
    }

    /// Live buffers and their bytes.
    pub fn memory(&self) -> &MemoryUse {
        &self.0.memory
    }

    /// The same, shared with what is counted.
    pub(crate) fn counted(&self) -> &Arc<MemoryUse> {
        &self.0.memory
    }

    /// The wgpu device.
    pub fn device(&self) -> &wgpu::Device {
        &self.0.device
    }

    /// The wgpu queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.0.queue
    }

    /// A small buffer for the bindings that a dispatch does not use.
    pub fn empty(&self) -> &Buffer {
        &self.0.empty
    }

    /// Runs the callbacks of the work that is done, and if other work is left, those of what is done after `nap`, which sleeps for a moment:
    /// 0.1 ms is less than a GPU needs for a token, and long enough to cost a software adapter no core. For the desktop's executor, which
    /// calls it until its future is ready; does nothing on the web. It does not wait for all that is submitted: a GPU with the next
    /// token's step in its queue would run out of work before the step after that is recorded.
    ///
    /// # Errors
    /// The device was lost. Other errors are left for [`Gpu::check`].
    pub fn wait(&self, nap: impl FnOnce()) -> Result<(), GpuError> {
        self.0.faults.lost()?;
        // `Device::poll` panics when the device is lost. The instance, which has no other device, reports the loss by the callback.
        if !self.0.instance.poll_all(false) {
            nap();
            self.0.instance.poll_all(false);
        }
        self.0.faults.lost()
    }

    /// Blocks until all that was submitted is done and its callbacks have run. For measurements on the desktop.
    ///
    /// # Errors
    /// The device was lost.
    pub fn wait_for_all(&self) -> Result<(), GpuError> {
        self.0.faults.lost()?;
        self.0.instance.poll_all(true);
        self.0.faults.lost()
    }

    /// The loss of the device, or the first error that it reported outside any scope since the last call. A lost device stays lost.
    ///
    /// # Errors
    /// That error.
    pub fn check(&self) -> Result<(), GpuError> {
        self.0.faults.check()
    }

    /// Whether the device is lost: nothing can be computed on it any more.
    ///
    /// # Errors
    /// Why it was lost: [`GpuError::DeviceLost`], or [`GpuError::OutOfMemory`], after which a driver may give up the device.
    pub fn lost(&self) -> Result<(), GpuError> {
        self.0.faults.lost()
    }

    /// Takes the device for lost.
    pub(crate) fn lose<T>(&self, reason: &str) -> Result<T, GpuError> {
        Err(self.0.faults.lose(reason))
    }

    /// A buffer of at least 4 bytes, rounded up to a multiple of 4, filled with zeros.
    ///
    /// # Errors
    /// The device allows no buffer of this size. Running out of memory is reported by the error scope around the call.
    pub fn buffer(&self, label: &str, bytes: u64, usage: wgpu::BufferUsages) -> Result<Buffer, GpuError> {
        let allowed = self.0.limits.max_buffer_size;
        if bytes > allowed {
            return Err(GpuError::BufferTooLarge { label: label.into(), needed: bytes, allowed });
        }
        let size = bytes.next_multiple_of(4).max(4);
        let raw = self.0.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size,
            usage,
            mapped_at_creation: false,
        });
        Ok(Buffer::new(raw, &self.0.memory))
    }

    /// A storage buffer that can be written from and read back to the host.
    ///
    /// # Errors
    /// The device allows no buffer, or no binding, of this size.
    pub fn storage(&self, label: &str, bytes: u64) -> Result<Buffer, GpuError> {
        let allowed = self.max_binding_bytes();
        if bytes > allowed {
            return Err(GpuError::BufferTooLarge { label: label.into(), needed: bytes, allowed });
        }
        use wgpu::BufferUsages as Usage;
        self.buffer(label, bytes, Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC)
    }

    /// A storage buffer holding `values`.
    ///
    /// # Errors
    /// As [`Gpu::storage`].
    pub fn storage_with<T: bytemuck::NoUninit>(&self, label: &str, values: &[T]) -> Result<Buffer, GpuError> {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let buffer = self.storage(label, bytes.len() as u64)?;
        self.write(&buffer, 0, bytes);
        Ok(buffer)
    }

    /// Writes `bytes` at `offset` (a multiple of 4); a last incomplete word is filled with zeros.
    pub fn write(&self, buffer: &Buffer, offset: u64, bytes: &[u8]) {
        let whole = bytes.len() / 4 * 4;
        if whole > 0 {
            self.0.queue.write_buffer(buffer.raw(), offset, &bytes[..whole]);
        }
        if whole < bytes.len() {
            let mut word = [0_u8; 4];
            word[..bytes.len() - whole].copy_from_slice(&bytes[whole..]);
            self.0.queue.write_buffer(buffer.raw(), offset + whole as u64, &word);
        }
    }

    /// Largest storage binding: the smaller of the two limits that apply.
    pub fn max_binding_bytes(&self) -> u64 {
        self.0.limits.max_storage_buffer_binding_size.min(self.0.limits.max_buffer_size)
    }

    /// Runs `build` inside error scopes, so that running out of memory or a wrong pipeline is this call's error.
    ///
    /// # Errors
    /// What `build` returns, or what the device reported meanwhile.
    pub async fn scoped<T>(&self, what: &str, build: impl FnOnce() -> Result<T, GpuError>) -> Result<T, GpuError> {
        let memory = self.0.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.0.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let in_use = self.0.memory.bytes();
        let result = build();
        let needed = self.0.memory.bytes().saturating_sub(in_use);
        let validation = validation.pop();
        let memory = memory.pop();
        let (invalid, full) = (validation.await, memory.await);
        if full.is_some() {
            return Err(GpuError::OutOfMemory { what: what.into(), needed: Some(needed), in_use });
        }
        self.lost()?; // what follows a loss is reported as invalid
        if let Some(error) = invalid {
            return Err(GpuError::Validation(format!("{what}: {error}")));
        }
        self.check()?;
        result
    }

    /// The kernel compiled with these constants, cached.
    pub(crate) fn pipeline(&self, shader: &'static Shader, constants: &[(&str, f64)]) -> Arc<Pipeline> {
        let key = (shader.name, format!("{constants:?}"));
        if let Some(found) = lock(&self.0.pipelines).get(&key) {
            return found.clone();
        }
        let pipeline = Arc::new(self.compile(shader, constants));
        lock(&self.0.pipelines).insert(key, pipeline.clone());
        pipeline
    }

    fn compile(&self, shader: &'static Shader, constants: &[(&str, f64)]) -> Pipeline {
        let device = &self.0.device;
        let entries: Vec<wgpu::BindGroupLayoutEntry> = shader.bindings.iter().map(layout_entry).collect();
        let layout = device
            .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(shader.name), entries: &entries });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(shader.name),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(shader.name),
            source: wgpu::ShaderSource::Wgsl(shader.source.into()),
        });
        let raw = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(shader.name),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants,
                // Every kernel writes its workgroup memory before reading it.
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        });
        Pipeline { raw, layout }
    }
}

/// The same with what the adapter's matrix units need, if it has any.
fn with_matrix_units<'a>(descriptor: wgpu::DeviceDescriptor<'a>, info: &AdapterInfo) -> wgpu::DeviceDescriptor<'a> {
    if info.cooperative_matrix.is_none() {
        return descriptor;
    }
    let (features, experimental_features) = CooperativeMatrix::features();
    let required_features = descriptor.required_features | features;
    wgpu::DeviceDescriptor { required_features, experimental_features, ..descriptor }
}

fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    // Nothing here dispatches indirectly, and wgpu panics where it cannot compile the kernels of this check.
    descriptor.flags.remove(wgpu::InstanceFlags::VALIDATION_INDIRECT_CALL);
    wgpu::Instance::new(descriptor)
}

/// Why an adapter gave no device. wgpu tells it by text only.
fn refusal(text: &str) -> GpuError {
    if text.contains("Not enough memory") {
        return GpuError::OutOfMemory { what: "the device".into(), needed: None, in_use: 0 };
    }
    if text.contains("is lost") { GpuError::DeviceLost(text.into()) } else { GpuError::NoDevice(text.into()) }
}

async fn default_adapter(instance: &wgpu::Instance, options: &GpuOptions) -> Result<wgpu::Adapter, GpuError> {
    let power_preference =
        if options.low_power { wgpu::PowerPreference::LowPower } else { wgpu::PowerPreference::HighPerformance };
    let request = wgpu::RequestAdapterOptions { power_preference, ..Default::default() };
    instance.request_adapter(&request).await.map_err(|error| GpuError::NoAdapter(error.to_string()))
}

async fn adapter_named(instance: &wgpu::Instance, name: &str) -> Result<wgpu::Adapter, GpuError> {
    let wanted = name.to_lowercase();
    let adapters = instance.enumerate_adapters(wgpu::Backends::all()).await;
    let found = adapters.into_iter().find(|adapter| adapter.get_info().name.to_lowercase().contains(&wanted));
    found.ok_or_else(|| GpuError::NoAdapter(format!("none is named like '{name}'")))
}

fn info_of(adapter: &wgpu::Adapter) -> AdapterInfo {
    let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
    // Browsers do not tell the kind of an adapter: a software one is recognised by its name.
    let lower = info.name.to_lowercase();
    let named = ["swiftshader", "llvmpipe", "softpipe", "basic render"].iter().any(|name| lower.contains(name));
    AdapterInfo {
        software: named || info.device_type == wgpu::DeviceType::Cpu,
        name: info.name,
        backend: format!("{:?}", info.backend),
        kind: format!("{:?}", info.device_type),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        max_buffer_bytes: limits.max_buffer_size,
        max_binding_bytes: limits.max_storage_buffer_binding_size,
        max_invocations: limits.max_compute_invocations_per_workgroup,
        workgroup_memory_bytes: limits.max_compute_workgroup_storage_size,
        shader_f16: features.contains(wgpu::Features::SHADER_F16),
        cooperative_matrix: CooperativeMatrix::of(adapter),
        timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
    }
}

fn layout_entry(binding: &crate::shader::Binding) -> wgpu::BindGroupLayoutEntry {
    let buffer = |ty| wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None };
    let ty = match binding.access {
        Access::Uniform => buffer(wgpu::BufferBindingType::Uniform),
        Access::Read => buffer(wgpu::BufferBindingType::Storage { read_only: true }),
        Access::ReadWrite => buffer(wgpu::BufferBindingType::Storage { read_only: false }),
        Access::Texels => wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Uint,
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        },
    };
    wgpu::BindGroupLayoutEntry { binding: binding.index, visibility: wgpu::ShaderStages::COMPUTE, ty, count: None }
}
