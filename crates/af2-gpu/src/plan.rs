//! Recorded plans: a list of dispatches with everything bound, built once, run as one compute pass and one submit.

use std::collections::HashMap;
use std::sync::Arc;

use crate::device::Pipeline;
use crate::shader::{Access, Binding, Shader};
use crate::texels::{Pool, TexelCopy, Texels, Wanted};
use crate::{Buffer, Gpu, GpuError};

/// The uniform parameters of a kernel: a plain struct whose fields are those of the shader's `Params`.
pub trait Params: bytemuck::NoUninit {
    /// Name and byte offset of every field, compared with the shader's when a plan is built.
    const FIELDS: &'static [(&'static str, u32)];
}

/// Declares a kernel's parameters: 4-byte fields in the order of the shader's `Params`.
macro_rules! params {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Debug, Clone, Copy, bytemuck::NoUninit)]
        pub(crate) struct $name { $($(#[$field_meta])* pub $field: $kind),* }

        impl $crate::Params for $name {
            const FIELDS: &'static [(&'static str, u32)] =
                &[$((stringify!($field), std::mem::offset_of!($name, $field) as u32)),*];
        }
    };
}
pub(crate) use params;

/// A dispatch as an op describes it.
pub struct Dispatch<'a, P: Params> {
    /// Label in profiles.
    pub label: String,
    /// The kernel.
    pub shader: &'static Shader,
    /// Values of its `override` constants.
    pub constants: &'a [(&'static str, f64)],
    /// Its parameters.
    pub params: P,
    /// Buffers by the names the shader gives them.
    pub buffers: &'a [(&'a str, &'a Buffer)],
    /// Workgroups along x, y and z. If x exceeds the device's limit and y is 1, x is folded over x and y.
    pub groups: [u32; 3],
    /// Bytes of weights that the dispatch reads.
    pub weight_bytes: u64,
    /// Floating-point operations of its matmuls, two per multiply-add.
    pub flops: u64,
}

struct Recorded {
    pipeline: Arc<Pipeline>,
    params: Vec<u8>,
    buffers: Vec<(u32, Buffer)>,
    texels: Vec<Wanted>,
    groups: [u32; 3],
    cost: Cost,
}

enum Draft {
    Dispatch(Recorded),
    Copy { from: Buffer, to: Buffer, bytes: u64 },
}

impl Draft {
    fn texels(&self) -> &[Wanted] {
        match self {
            Self::Dispatch(recorded) => &recorded.texels,
            Self::Copy { .. } => &[],
        }
    }
}

/// Label, kernel and counted work of a dispatch.
#[derive(Debug, Clone)]
pub struct Cost {
    /// Its label.
    pub label: String,
    /// Family and name of its kernel.
    pub kernel: &'static str,
    /// Bytes of weights it reads.
    pub weight_bytes: u64,
    /// Floating-point operations of its matmuls.
    pub flops: u64,
}

pub(crate) enum Item {
    Dispatch { cost: Cost, pipeline: Arc<Pipeline>, bind_group: wgpu::BindGroup, groups: [u32; 3] },
    Copy { from: Buffer, to: Buffer, bytes: u64 },
    Texels(TexelCopy),
}

/// Asks a plan to copy out its named intermediates.
#[derive(Debug, Clone, Default)]
pub struct Taps {
    /// Intermediates to overwrite with these values after they were copied out: so that a stage can be tested on the expected result of
    /// the stage before.
    pub replace: HashMap<String, Vec<f32>>,
}

/// A named intermediate, copied out while the plan runs.
#[derive(Debug, Clone)]
pub struct Tap {
    /// The name, as golden files spell it.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Where it is copied to, as float32.
    pub buffer: Buffer,
}

/// Counted work of a plan, known before it runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlanInfo {
    /// Dispatches per run.
    pub dispatches: usize,
    /// Bytes of weights read per run.
    pub weight_bytes: u64,
    /// Floating-point operations of the matmuls per run.
    pub flops: u64,
}

/// Collects dispatches.
pub struct PlanBuilder {
    gpu: Gpu,
    label: String,
    drafts: Vec<Draft>,
    wanted: Option<Taps>,
    taps: Vec<Tap>,
    info: PlanInfo,
    /// What [`PlanBuilder::scratch`] gives, by label.
    scratch: HashMap<&'static str, Buffer>,
}

/// A list of dispatches, ready to run any number of times. Owns every buffer it uses.
pub struct Plan {
    label: String,
    items: Vec<Item>,
    taps: Vec<Tap>,
    info: PlanInfo,
    /// Bind groups do not keep counted buffers alive.
    _buffers: Vec<Buffer>,
}

impl PlanBuilder {
    /// An empty plan. With `taps`, [`PlanBuilder::tap`] copies intermediates out; without, it does nothing.
    pub fn new(gpu: &Gpu, label: &str, taps: Option<&Taps>) -> Self {
        let (drafts, info) = (Vec::new(), PlanInfo::default());
        Self {
            gpu: gpu.clone(),
            label: label.into(),
            drafts,
            wanted: taps.cloned(),
            taps: Vec::new(),
            info,
            scratch: HashMap::new(),
        }
    }

    /// The device the plan is for.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// Whether intermediates are copied out. Work done only for them can be left out otherwise.
    pub fn taps_wanted(&self) -> bool {
        self.wanted.is_some()
    }

    /// A buffer of at least so many bytes for what one op's dispatches leave to its next one. Every op that asks for this label gets the
    /// same.
    ///
    /// # Errors
    /// The device allows no such buffer.
    pub(crate) fn scratch(&mut self, label: &'static str, bytes: u64) -> Result<Buffer, GpuError> {
        if let Some(found) = self.scratch.get(label).filter(|buffer| buffer.bytes() >= bytes) {
            return Ok(found.clone());
        }
        let made = self.gpu.storage(label, bytes)?;
        self.scratch.insert(label, made.clone());
        Ok(made)
    }

    /// Appends a dispatch.
    ///
    /// # Errors
    /// The parameters, constants or buffers are not those of the shader, or the grid is larger than the device allows.
    pub fn dispatch<P: Params>(&mut self, dispatch: Dispatch<'_, P>) -> Result<(), GpuError> {
        self.dispatch_reading(dispatch, &[])
    }

    /// Appends a dispatch, and before it copies of what it reads as texels.
    ///
    /// # Errors
    /// As [`PlanBuilder::dispatch`].
    pub fn dispatch_reading<P: Params>(
        &mut self,
        dispatch: Dispatch<'_, P>,
        texels: &[Texels<'_>],
    ) -> Result<(), GpuError> {
        let shader = dispatch.shader;
        let wrong = |problem: String| GpuError::BadDispatch { kernel: shader.name, problem };
        if P::FIELDS != shader.params {
            return Err(wrong(format!("parameters {:?} are not the shader's {:?}", P::FIELDS, shader.params)));
        }
        if let Some((name, _)) = dispatch.constants.iter().find(|(name, _)| !shader.overrides.contains(name)) {
            return Err(wrong(format!("it has no constant {name}")));
        }
        if shader.half && !self.gpu.info().shader_f16 {
            return Err(wrong("the adapter has no float16 (shader-f16); choose other kernels".into()));
        }
        if shader.cooperative && self.gpu.info().cooperative_matrix.is_none() {
            return Err(wrong("the adapter has no matrix units (cooperative matrices); choose other kernels".into()));
        }
        let buffers = bind(shader, dispatch.buffers).map_err(wrong)?;
        let texels = bind_texels(shader, texels).map_err(wrong)?;
        let largest = self.gpu.limits().max_compute_workgroups_per_dimension;
        let groups = fold(dispatch.groups, largest).map_err(wrong)?;
        self.info.dispatches += 1;
        self.info.weight_bytes += dispatch.weight_bytes;
        self.info.flops += dispatch.flops;
        let Dispatch { label, weight_bytes, flops, .. } = dispatch;
        self.drafts.push(Draft::Dispatch(Recorded {
            cost: Cost { label, kernel: shader.name, weight_bytes, flops },
            pipeline: self.gpu.pipeline(shader, dispatch.constants),
            params: bytemuck::bytes_of(&dispatch.params).to_vec(),
            buffers,
            texels,
            groups,
        }));
        Ok(())
    }

    /// Copies `buffer` out at this point of the plan, if taps were asked for.
    ///
    /// # Errors
    /// The device allows no such buffer.
    pub fn tap(&mut self, name: &str, buffer: &Buffer, shape: &[usize]) -> Result<(), GpuError> {
        let Some(wanted) = &self.wanted else { return Ok(()) };
        let bytes = 4 * shape.iter().product::<usize>() as u64;
        use wgpu::BufferUsages as Usage;
        let copy = self.gpu.buffer(name, bytes, Usage::COPY_DST | Usage::COPY_SRC)?;
        self.taps.push(Tap { name: name.into(), shape: shape.into(), buffer: copy.clone() });
        self.drafts.push(Draft::Copy { from: buffer.clone(), to: copy, bytes });
        if let Some(values) = wanted.replace.get(name) {
            let values = self.gpu.storage_with(name, values)?;
            self.drafts.push(Draft::Copy { bytes: bytes.min(values.bytes()), from: values, to: buffer.clone() });
        }
        Ok(())
    }

    /// Uploads the parameters and makes the bind groups.
    ///
    /// # Errors
    /// The device allows no buffer for the parameters.
    pub fn finish(self) -> Result<Plan, GpuError> {
        let gpu = self.gpu;
        let step = u64::from(gpu.limits().min_uniform_buffer_offset_alignment);
        let params = |draft: &Draft| if let Draft::Dispatch(item) = draft { item.params.clone() } else { Vec::new() };
        let mut bytes = Vec::new();
        for draft in &self.drafts {
            bytes.extend(params(draft));
            bytes.resize(bytes.len().next_multiple_of(step as usize), 0);
        }
        let uniform =
            gpu.buffer(&self.label, bytes.len() as u64, wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST)?;
        gpu.write(&uniform, 0, &bytes);
        let pool = Pool::new(&gpu, &self.label, self.drafts.iter().flat_map(Draft::texels))?;
        let mut offset = 0;
        let mut items = Vec::with_capacity(self.drafts.len());
        let mut buffers = vec![uniform.clone()];
        for draft in self.drafts {
            let size = params(&draft).len() as u64;
            match draft {
                Draft::Copy { from, to, bytes } => items.push(Item::Copy { from, to, bytes }),
                Draft::Dispatch(mut recorded) => {
                    buffers.extend(recorded.buffers.iter().map(|(_, buffer)| buffer.clone()));
                    let copies = pool.copies(std::mem::take(&mut recorded.texels));
                    let dispatch = bound(&gpu, recorded, &copies, &uniform, offset);
                    items.extend(copies.into_iter().map(Item::Texels));
                    items.push(dispatch);
                }
            }
            offset += size.next_multiple_of(step);
        }
        Ok(Plan { label: self.label, items, taps: self.taps, info: self.info, _buffers: buffers })
    }
}

/// Buffers in the order of the shader's bindings, without the uniform `params`, which the plan itself holds.
fn bind(shader: &Shader, named: &[(&str, &Buffer)]) -> Result<Vec<(u32, Buffer)>, String> {
    if let Some((name, _)) = named.iter().find(|(name, _)| !shader.bindings.iter().any(|binding| binding.name == *name))
    {
        return Err(format!("it has no binding {name}"));
    }
    let mut buffers: Vec<(u32, Buffer)> = Vec::new();
    let is_buffer = |binding: &&Binding| binding.name != "params" && binding.access != Access::Texels;
    for binding in shader.bindings.iter().filter(is_buffer) {
        let found = named.iter().find(|(name, _)| *name == binding.name);
        let (_, buffer) = found.ok_or_else(|| format!("nothing is bound to {}", binding.name))?;
        let written = binding.access == Access::ReadWrite;
        let shared = named.iter().filter(|(_, other)| other.raw() == buffer.raw()).count() > 1;
        if written && shared {
            return Err(format!("{} is written and also bound elsewhere", binding.name));
        }
        buffers.push((binding.index, (*buffer).clone()));
    }
    Ok(buffers)
}

/// What is read as texels, by the shader's bindings.
fn bind_texels(shader: &Shader, named: &[Texels<'_>]) -> Result<Vec<Wanted>, String> {
    let wanted = |binding: &Binding| {
        let found = named.iter().find(|texels| texels.name == binding.name);
        let texels = found.ok_or_else(|| format!("no texels are bound to {}", binding.name))?;
        Ok(Wanted::new(binding.index, texels))
    };
    shader.bindings.iter().filter(|binding| binding.access == Access::Texels).map(wanted).collect()
}

/// Folds a long x over x and y.
fn fold([x, y, z]: [u32; 3], largest: u32) -> Result<[u32; 3], String> {
    if x.max(y).max(z) <= largest {
        return Ok([x, y, z]);
    }
    if y != 1 || z > largest || x.div_ceil(largest) > largest {
        return Err(format!("a grid of {x} x {y} x {z} workgroups is larger than the device allows"));
    }
    let rows = x.div_ceil(largest);
    Ok([x.div_ceil(rows), rows, z])
}

fn bound(gpu: &Gpu, recorded: Recorded, texels: &[TexelCopy], uniform: &Buffer, offset: u64) -> Item {
    let size = std::num::NonZeroU64::new(recorded.params.len() as u64);
    let params = wgpu::BufferBinding { buffer: uniform.raw(), offset, size };
    let mut entries = vec![wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(params) }];
    entries.extend(recorded.buffers.iter().map(|(binding, buffer)| wgpu::BindGroupEntry {
        binding: *binding,
        resource: buffer.raw().as_entire_binding(),
    }));
    entries.extend(texels.iter().map(|copy| wgpu::BindGroupEntry {
        binding: copy.binding,
        resource: wgpu::BindingResource::TextureView(copy.view()),
    }));
    let bind_group = gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(&recorded.cost.label),
        layout: &recorded.pipeline.layout,
        entries: &entries,
    });
    Item::Dispatch { cost: recorded.cost, pipeline: recorded.pipeline, bind_group, groups: recorded.groups }
}

impl Plan {
    /// Name of the plan.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Counted work per run.
    pub fn info(&self) -> PlanInfo {
        self.info
    }

    /// The intermediates of the last run.
    pub fn taps(&self) -> &[Tap] {
        &self.taps
    }

    /// The dispatches, in order.
    pub fn costs(&self) -> impl Iterator<Item = &Cost> {
        self.items.iter().filter_map(|item| match item {
            Item::Dispatch { cost, .. } => Some(cost),
            Item::Copy { .. } | Item::Texels(_) => None,
        })
    }

    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }
}

/// A range of a buffer that is copied out; numbers of bytes are multiples of 4.
#[derive(Debug, Clone, Copy)]
pub struct Fetch<'a> {
    /// The buffer.
    pub from: &'a Buffer,
    /// Where the range starts.
    pub offset: u64,
    /// Its length.
    pub bytes: u64,
}

impl Gpu {
    /// Encodes plans one after another, in one compute pass unless copies lie between their dispatches.
    pub fn encode(&self, encoder: &mut wgpu::CommandEncoder, plans: &[&Plan]) {
        let mut items = plans.iter().flat_map(|plan| &plan.items).peekable();
        while let Some(item) = items.peek() {
            if let Item::Copy { from, to, bytes } = item {
                encoder.copy_buffer_to_buffer(from.raw(), 0, to.raw(), 0, *bytes);
                items.next();
                continue;
            }
            if let Item::Texels(copy) = item {
                copy.encode(encoder);
                items.next();
                continue;
            }
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            while let Some(Item::Dispatch { pipeline, bind_group, groups: [x, y, z], .. }) = items.peek() {
                pass.set_pipeline(&pipeline.raw);
                pass.set_bind_group(0, bind_group, &[]);
                pass.dispatch_workgroups(*x, *y, *z);
                items.next();
            }
        }
    }

    /// Records plans one after another.
    pub fn record(&self, plans: &[&Plan]) -> wgpu::CommandBuffer {
        let mut encoder = self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.encode(&mut encoder, plans);
        encoder.finish()
    }

    /// Runs plans one after another in one submit.
    pub fn run(&self, plans: &[&Plan]) {
        self.queue().submit([self.record(plans)]);
    }

    /// Runs a plan and copies `bytes` bytes from the start of `from` to `offset` of `to`.
    pub fn run_then_copy(&self, plan: &Plan, from: &Buffer, to: &Buffer, offset: u64, bytes: u64) {
        let mut encoder = self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.encode(&mut encoder, &[plan]);
        encoder.copy_buffer_to_buffer(from.raw(), 0, to.raw(), offset, bytes);
        self.queue().submit([encoder.finish()]);
    }

    /// Runs plans in one submit and copies ranges of buffers, one after another, to `staging`.
    pub fn run_then_fetch(&self, plans: &[&Plan], ranges: &[Fetch<'_>], staging: &Buffer) {
        let mut encoder = self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.encode(&mut encoder, plans);
        let mut end = 0;
        for Fetch { from, offset, bytes } in ranges {
            encoder.copy_buffer_to_buffer(from.raw(), *offset, staging.raw(), end, *bytes);
            end += bytes;
        }
        self.queue().submit([encoder.finish()]);
    }

    /// Permutes records of `bytes` bytes, `pitch` bytes apart, inside each of `buffers`: record i gets the content of record `sources[i]`.
    /// `spare` holds as many records as there are sources, because a buffer cannot be copied to itself.
    pub fn permute(&self, buffers: &[Buffer], spare: &Buffer, sources: &[usize], pitch: u64, bytes: u64) {
        let mut encoder = self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        for buffer in buffers {
            for (record, source) in (0..).zip(sources) {
                encoder.copy_buffer_to_buffer(buffer.raw(), *source as u64 * pitch, spare.raw(), record * pitch, bytes);
            }
            for record in 0..sources.len() as u64 {
                encoder.copy_buffer_to_buffer(spare.raw(), record * pitch, buffer.raw(), record * pitch, bytes);
            }
        }
        self.queue().submit([encoder.finish()]);
    }
}
