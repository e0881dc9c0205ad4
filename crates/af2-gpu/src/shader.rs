//! The kernels of `shaders/`, collected and validated at build time.

/// How a kernel uses a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A uniform buffer.
    Uniform,
    /// A storage buffer, read only.
    Read,
    /// A storage buffer, read and written.
    ReadWrite,
    /// A buffer's words as texels of integers, read only: see [`crate::Texels`].
    Texels,
}

/// One binding of a kernel, in bind group 0.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// Binding number.
    pub index: u32,
    /// Name of the variable in the shader.
    pub name: &'static str,
    /// How the kernel uses it.
    pub access: Access,
}

/// A kernel: its text and what naga finds in it.
#[derive(Debug)]
pub struct Shader {
    /// Family and name, for example `linear/matmul_q4`.
    pub name: &'static str,
    /// WGSL with includes pasted.
    pub source: &'static str,
    /// Bindings by number.
    pub bindings: &'static [Binding],
    /// Name and byte offset of every field of `Params`.
    pub params: &'static [(&'static str, u32)],
    /// Names of the `override` constants.
    pub overrides: &'static [&'static str],
    /// Whether it computes with the type float16: only for adapters with `shader-f16`.
    pub half: bool,
    /// Whether it uses the matrix units: only for adapters with [`crate::CooperativeMatrix`].
    pub cooperative: bool,
}

include!(concat!(env!("OUT_DIR"), "/shaders.rs"));
