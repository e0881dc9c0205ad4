//! Cooperative matrices: the matrix units of a GPU, an experimental feature of wgpu.
#![allow(unsafe_code)] // wgpu gives experimental features through an unsafe function only

use wgpu::{CooperativeMatrixProperties, CooperativeScalarType, ExperimentalFeatures, Features};

/// What a device needs for `matmul_coop`: besides matrices the index of a subgroup, and float16.
const NEEDED: Features =
    Features::EXPERIMENTAL_COOPERATIVE_MATRIX.union(Features::SUBGROUP).union(Features::SHADER_F16);
/// Four of the largest subgroups are a workgroup.
const MOST_SUBGROUP: u32 = 64;

/// Matrix units that multiply float16 and add float32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CooperativeMatrix {
    /// Rows and columns of the square matrices they multiply: 8 or 16.
    pub size: u32,
    /// Threads of the largest subgroup.
    pub subgroup: u32,
}

impl CooperativeMatrix {
    /// Those of an adapter that the kernel is written for.
    pub(crate) fn of(adapter: &wgpu::Adapter) -> Option<Self> {
        let info = adapter.get_info();
        let (least, subgroup) = (info.subgroup_min_size, info.subgroup_max_size);
        let offered = adapter.cooperative_matrix_properties();
        let size = [16, 8].into_iter().find(|size| offered.iter().any(|kind| serves(kind, *size)))?;
        let fits = adapter.features().contains(NEEDED) && subgroup <= MOST_SUBGROUP && subgroup <= 2 * least;
        fits.then_some(Self { size, subgroup })
    }

    /// The features to ask for.
    pub(crate) fn features() -> (Features, ExperimentalFeatures) {
        // SAFETY: the caller accepts that wgpu's experimental code may have faults. Only `matmul_coop` uses the feature. The build validates
        // it as all kernels, its operations are in uniform control flow, and its pointers stay inside arrays of the workgroup, whose sizes
        // are constants. It is chosen only after it computed correctly on the device.
        (NEEDED, unsafe { ExperimentalFeatures::enabled() })
    }
}

fn serves(kind: &CooperativeMatrixProperties, size: u32) -> bool {
    [kind.m_size, kind.n_size, kind.k_size] == [size; 3]
        && kind.ab_type == CooperativeScalarType::F16
        && kind.cr_type == CooperativeScalarType::F32
}
