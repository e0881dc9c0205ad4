//! What computes the tensors.

use burn_tensor::Device;
#[cfg(feature = "wgpu")]
use burn_tensor::DeviceKind;

/// A backend of Burn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// burn-flex: the processor.
    #[default]
    Cpu,
    /// burn-flex, recording what gradients need.
    #[cfg(feature = "autodiff")]
    CpuWithGradients,
    /// burn-wgpu: the adapter that wgpu prefers.
    #[cfg(feature = "wgpu")]
    Wgpu,
}

impl Backend {
    pub(crate) fn device(self) -> Device {
        match self {
            Self::Cpu => Device::flex(),
            #[cfg(feature = "autodiff")]
            Self::CpuWithGradients => Device::flex().autodiff(),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Device::wgpu(DeviceKind::DefaultDevice),
        }
    }
}
