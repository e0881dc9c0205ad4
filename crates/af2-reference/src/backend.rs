//! What computes the tensors.

use burn_tensor::Device;

use crate::ReferenceError;
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
    /// Gets the backend ready, which a browser does while nobody waits; elsewhere the first tensor would do.
    ///
    /// # Errors
    /// There is no adapter, or it gives no device.
    pub async fn open(self) -> Result<(), ReferenceError> {
        #[cfg(feature = "wgpu")]
        if self == Self::Wgpu {
            let opened = Device::wgpu_options().init_async().await;
            return opened.map(drop).map_err(|error| ReferenceError::Backend(error.to_string()));
        }
        Ok(())
    }

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
