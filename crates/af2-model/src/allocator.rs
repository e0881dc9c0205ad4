//! GPU buffers for the stored tensors: shapes from the tensor table, schemes from the index.

use std::cell::RefCell;
use std::collections::HashMap;

use af2_core::config::ModelConfig;
use af2_core::engine::TensorBytes;
use af2_core::weights::index::ModelIndex;
use af2_core::weights::safetensors::TensorSpec;
use af2_core::weights::stored::{Layout, StoredError};
use af2_core::weights::tensor_table::tensor_table;
use af2_gpu::matrix::Stacking;
use af2_gpu::{Buffer, Gpu, GpuError, Matrix};

use crate::ModelError;

/// A run of a stored tensor's bytes and where it goes.
struct Destination {
    /// First byte in the tensor.
    tensor_offset: u64,
    bytes: u64,
    buffer: Buffer,
    buffer_offset: u64,
}

/// Where every stored tensor goes, by name.
#[derive(Default)]
pub(crate) struct Destinations(HashMap<String, Vec<Destination>>);

impl Destinations {
    /// Writes a run of a tensor's bytes to every buffer that takes a part of it.
    pub fn write(&self, gpu: &Gpu, run: TensorBytes<'_>) {
        for destination in self.0.get(run.tensor).into_iter().flatten() {
            let begin = run.offset.max(destination.tensor_offset);
            let end = (run.offset + run.bytes.len() as u64).min(destination.tensor_offset + destination.bytes);
            if begin < end {
                let bytes = &run.bytes[(begin - run.offset) as usize..(end - run.offset) as usize];
                gpu.write(&destination.buffer, destination.buffer_offset + begin - destination.tensor_offset, bytes);
            }
        }
    }

    fn push(&mut self, tensor: &TensorSpec, destination: Destination) {
        self.0.entry(tensor.name.clone()).or_default().push(destination);
    }
}

/// Allocates the buffers of a model's tensors and notes where each tensor goes.
pub(crate) struct Allocator<'a> {
    gpu: &'a Gpu,
    layouts: HashMap<String, Layout>,
    destinations: RefCell<Destinations>,
}

/// A module's place among the tensors: what its names begin with.
pub(crate) struct Scope<'a> {
    allocator: &'a Allocator<'a>,
    prefix: String,
}

impl<'a> Allocator<'a> {
    pub fn new(gpu: &'a Gpu, config: &ModelConfig, index: &ModelIndex) -> Self {
        let layout = |tensor: af2_core::weights::tensor_table::TensorUse| (tensor.name.clone(), tensor.layout(index));
        let layouts = tensor_table(config).into_iter().map(layout).collect();
        Self { gpu, layouts, destinations: RefCell::default() }
    }

    /// The module whose tensors' names begin with `prefix` and a dot.
    pub fn scope(&'a self, prefix: impl Into<String>) -> Scope<'a> {
        Scope { allocator: self, prefix: prefix.into() }
    }

    pub fn into_destinations(self) -> Destinations {
        self.destinations.into_inner()
    }
}

impl<'a> Scope<'a> {
    /// A module inside this one.
    pub fn at(&self, name: &str) -> Scope<'a> {
        self.allocator.scope(self.name(name))
    }

    /// A float32 tensor.
    pub fn exact(&self, name: &str) -> Result<Buffer, ModelError> {
        self.joined(&[name])
    }

    /// Float32 tensors one after another in one buffer.
    pub fn joined(&self, names: &[impl AsRef<str>]) -> Result<Buffer, ModelError> {
        let layouts = self.layouts(names)?;
        let total = layouts.iter().map(|layout| layout.data.bytes()).fold(0, u64::saturating_add);
        let buffer = self.allocator.gpu.storage(&layouts[0].data.name, total)?;
        let mut buffer_offset = 0;
        for layout in layouts {
            let bytes = layout.data.bytes();
            let destination = Destination { tensor_offset: 0, bytes, buffer: buffer.clone(), buffer_offset };
            self.allocator.destinations.borrow_mut().push(&layout.data, destination);
            buffer_offset += bytes;
        }
        Ok(buffer)
    }

    /// Weight and bias of a layer norm in one buffer.
    pub fn norm(&self, name: &str) -> Result<Buffer, ModelError> {
        self.joined(&[&format!("{name}.weight"), &format!("{name}.bias")])
    }

    /// The matrix `name.weight`.
    pub fn matrix(&self, name: &str) -> Result<Matrix, ModelError> {
        self.fused(&[name], Stacking::Stacked)
    }

    /// The matrices `name.weight` of equal width and scheme as one matrix.
    pub fn fused(&self, names: &[&str], stacking: Stacking) -> Result<Matrix, ModelError> {
        let names: Vec<String> = names.iter().map(|name| format!("{name}.weight")).collect();
        let layouts = self.layouts(&names)?;
        let (first, gpu) = (layouts[0], self.allocator.gpu);
        if let Some(other) = layouts.iter().find(|layout| (layout.scheme, layout.cols) != (first.scheme, first.cols)) {
            let (shared, scheme) = (&first.data.name, first.scheme);
            let problem = format!(
                "it is stored as {}, but shares a matrix with {shared}, {scheme}; convert the model again",
                other.scheme
            );
            return Err(GpuError::BadMatrix { name: other.data.name.clone(), problem }.into());
        }
        let rows: Vec<usize> = layouts.iter().map(|layout| layout.rows).collect();
        let (matrix, placements) = Matrix::allocate(gpu, &first.data.name, first.scheme, first.cols, &rows, stacking)?;
        let mut destinations = self.allocator.destinations.borrow_mut();
        for place in placements {
            let (layout, part) = (layouts[place.tensor], &matrix.parts[place.part]);
            let mut push = |tensor: &TensorSpec, buffer: &Buffer| {
                let bytes_of = |rows: usize| tensor.bytes() / layout.rows as u64 * rows as u64;
                let (tensor_offset, bytes) = (bytes_of(place.first_row), bytes_of(place.rows));
                let destination = Destination {
                    tensor_offset,
                    bytes,
                    buffer: buffer.clone(),
                    buffer_offset: bytes_of(place.part_row),
                };
                destinations.push(tensor, destination);
            };
            push(&layout.data, &part.data);
            if let Some(scales) = &layout.scales {
                push(scales, &part.scales);
            }
        }
        Ok(matrix)
    }

    fn name(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    /// Layouts of at least one tensor.
    fn layouts(&self, names: &[impl AsRef<str>]) -> Result<Vec<&'a Layout>, ModelError> {
        let layout = |name: &str| {
            let missing = || ModelError::Engine(StoredError::NotIndexed(name.into()).into());
            self.allocator.layouts.get(name).ok_or_else(missing)
        };
        names.iter().map(|name| layout(&self.name(name.as_ref()))).collect()
    }
}
