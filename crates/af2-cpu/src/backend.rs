//! The backends of Burn that can run the network.

use burn_tensor::Device;

use crate::CpuError;
#[cfg(feature = "wgpu")]
use burn_tensor::DeviceKind;

/// A backend of Burn, which computes the tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// burn-flex: the CPU.
    #[default]
    Cpu,
    /// The same with many rows multiplied in float32, at half the speed: the oracle of the tests. In integers a stage of the encoder
    /// differs by some 10⁻⁵ of its largest value.
    CpuInFloat32,
    /// burn-flex, recording what gradients need.
    #[cfg(feature = "autodiff")]
    CpuWithGradients,
    /// burn-wgpu: the adapter that wgpu prefers.
    #[cfg(feature = "wgpu")]
    Wgpu,
}

impl Backend {
    /// Opens the device. A browser must do so asynchronously; elsewhere the first tensor would open it.
    ///
    /// # Errors
    /// There is no adapter, or it gives no device.
    pub async fn open(self) -> Result<(), CpuError> {
        #[cfg(feature = "wgpu")]
        if self == Self::Wgpu {
            let opened = Device::wgpu_options().init_async().await;
            return opened.map(drop).map_err(|error| CpuError::Backend(error.to_string()));
        }
        Ok(())
    }

    /// Whether the tensors are in this program's memory and need no gradients, so that matrices can stay packed.
    pub(crate) fn computes_packed(self) -> bool {
        matches!(self, Self::Cpu | Self::CpuInFloat32)
    }

    /// Whether many rows are multiplied with packed matrices in integers.
    pub(crate) fn computes_in_integers(self) -> bool {
        self == Self::Cpu
    }

    pub(crate) fn device(self) -> Device {
        match self {
            Self::Cpu | Self::CpuInFloat32 => Device::flex(),
            #[cfg(feature = "autodiff")]
            Self::CpuWithGradients => Device::flex().autodiff(),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Device::wgpu(DeviceKind::DefaultDevice),
        }
    }
}
