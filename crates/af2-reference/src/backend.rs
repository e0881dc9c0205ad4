//! What computes the tensors.

use burn_tensor::Device;

/// A backend of Burn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// burn-flex: the processor.
    #[default]
    Cpu,
    /// burn-flex, recording what gradients need.
    #[cfg(feature = "autodiff")]
    CpuWithGradients,
}

impl Backend {
    pub(crate) fn device(self) -> Device {
        match self {
            Self::Cpu => Device::flex(),
            #[cfg(feature = "autodiff")]
            Self::CpuWithGradients => Device::flex().autodiff(),
        }
    }
}
