//! The end of a matmul or matvec: bias, activation and store.

use crate::Buffer;

/// The activation after the bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Activation {
    /// None.
    #[default]
    None,
    /// Exact (erf) GELU.
    Gelu,
    /// ReLU.
    Relu,
}

/// How a result y is stored.
#[derive(Debug, Clone, Copy, Default)]
pub enum Store<'a> {
    /// `out = y`.
    #[default]
    Write,
    /// `out = out + y`.
    Add,
    /// `out = out + tanh(gate[0]) * y`.
    AddGated(&'a Buffer),
}

/// `y = activation(sum + bias)`, then the store, for every sum of a matmul or matvec.
#[derive(Debug, Clone, Copy, Default)]
pub struct Epilogue<'a> {
    /// One value per output.
    pub bias: Option<&'a Buffer>,
    /// Applied after the bias.
    pub activation: Activation,
    /// How y is stored.
    pub store: Store<'a>,
}

impl<'a> Epilogue<'a> {
    /// Only a bias.
    pub fn bias(bias: &'a Buffer) -> Self {
        Self { bias: Some(bias), ..Self::default() }
    }

    /// The bits of `shaders/common/epilogue.wgsl`.
    pub(crate) fn bits(&self) -> u32 {
        let activation = match self.activation {
            Activation::None => 0,
            Activation::Gelu => 2,
            Activation::Relu => 4,
        };
        let store = match self.store {
            Store::Write => 0,
            Store::Add => 8,
            Store::AddGated(_) => 16,
        };
        u32::from(self.bias.is_some()) | activation | store
    }

    pub(crate) fn bindings(&self, empty: &'a Buffer) -> [(&'static str, &'a Buffer); 2] {
        let gate = if let Store::AddGated(gate) = self.store { gate } else { empty };
        [("bias", self.bias.unwrap_or(empty)), ("gate", gate)]
    }

    /// The epilogue on the host, for the twins.
    #[cfg(test)]
    pub(crate) fn apply(&self, sum: f64, bias: f64, gate: f64, before: f64) -> f64 {
        let y = if self.bias.is_some() { sum + bias } else { sum };
        let y = match self.activation {
            Activation::None => y,
            Activation::Gelu => super::testing::gelu(y),
            Activation::Relu => y.max(0.0),
        };
        match self.store {
            Store::Write => y,
            Store::Add => before + y,
            Store::AddGated(_) => before + gate.tanh() * y,
        }
    }
}
