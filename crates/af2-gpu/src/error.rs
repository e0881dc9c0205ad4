//! The errors of the engine.

/// An error of the engine; every message names the thing and, where there is one, the remedy.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// There is no adapter.
    #[error(
        "no GPU adapter found ({0}); install a Vulkan, Metal or DX12 driver (on Debian and Ubuntu, `mesa-vulkan-drivers` is a software one)"
    )]
    NoAdapter(String),
    /// The adapter gave no device.
    #[error("the GPU adapter gave no device: {0}")]
    NoDevice(String),
    /// A buffer is larger than the device allows.
    #[error(
        "{label} needs a buffer of {needed} bytes, but this device allows {allowed}; use a smaller model or stronger quantisation"
    )]
    BufferTooLarge {
        /// The purpose of the buffer.
        label: String,
        /// Bytes asked for.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// The device ran out of memory.
    #[error(
        "the GPU is out of memory while allocating {what} ({}); close other programs, or use a smaller model or stronger quantisation",
        figures(*needed, *in_use)
    )]
    OutOfMemory {
        /// What was being allocated.
        what: String,
        /// Bytes of it, where known.
        needed: Option<u64>,
        /// Bytes of the buffers that existed.
        in_use: u64,
    },
    /// The device was lost (driver reset, sleep, unplugged).
    #[error("the GPU device was lost ({0}); if this happens again, update the GPU's driver or choose another adapter")]
    DeviceLost(String),
    /// The driver refused a command or a shader.
    #[error("the GPU reported an error: {0}")]
    Validation(String),
    /// A dispatch does not match its kernel.
    #[error("kernel {kernel}: {problem}")]
    BadDispatch {
        /// The kernel's name.
        kernel: &'static str,
        /// What does not match.
        problem: String,
    },
    /// A matrix does not fit the kernels.
    #[error("matrix {name}: {problem}")]
    BadMatrix {
        /// The tensor's name.
        name: String,
        /// What does not match.
        problem: String,
    },
    /// A buffer could not be read back.
    #[error("reading a result back from the GPU failed: {0}")]
    Readback(String),
}

fn figures(needed: Option<u64>, in_use: u64) -> String {
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let needed = needed.map_or(String::new(), |bytes| format!("{} needed, ", megabytes(bytes)));
    format!("{needed}{} in use", megabytes(in_use))
}
