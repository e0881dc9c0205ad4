//! The layers that all parts of the network use.

use burn_tensor::activation::relu;
use burn_tensor::{Tensor, module};

use crate::CpuError;
use crate::matrix::Matrix;
use crate::steps;
use crate::weights::Scope;

/// y = x Wᵀ + b, W stored \[out, in\].
pub(crate) struct Linear {
    weight: Matrix,
    /// b, \[out\].
    bias: Option<Tensor<1>>,
}

impl Linear {
    pub fn load(scope: &Scope<'_>, name: &str) -> Result<Self, CpuError> {
        Ok(Self::load_without_bias(scope, name)?.with_bias(scope.tensor(&format!("{name}.bias"))?))
    }

    pub fn load_without_bias(scope: &Scope<'_>, name: &str) -> Result<Self, CpuError> {
        Ok(Self::of(scope.matrix(&format!("{name}.weight"))?))
    }

    /// From W, [out, in].
    pub fn of(weight: Matrix) -> Self {
        Self { weight, bias: None }
    }

    pub fn with_bias(self, bias: Tensor<1>) -> Self {
        Self { bias: Some(bias), ..self }
    }

    /// Whether W stays as it is stored.
    pub fn is_packed(&self) -> bool {
        self.weight.packed().is_some()
    }

    /// The same as decoding steps read it, if W is packed.
    pub fn plain(&self) -> Option<steps::Linear> {
        Some(steps::Linear { weight: self.weight.packed()?, bias: self.bias.as_ref().map(numbers) })
    }

    /// [.., in] to [.., out].
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let y = self.weight.forward(x);
        match &self.bias {
            Some(bias) => y + bias.clone().unsqueeze(),
            None => y,
        }
    }
}

/// Layer normalisation over the last axis: biased variance, weight and bias (Ba et al. 2016).
pub(crate) struct LayerNorm {
    weight: Tensor<1>,
    bias: Tensor<1>,
    eps: f64,
}

impl LayerNorm {
    pub fn load(scope: &Scope<'_>, name: &str, eps: f64) -> Result<Self, CpuError> {
        let part = |part: &str| scope.tensor(&format!("{name}.{part}"));
        Ok(Self { weight: part("weight")?, bias: part("bias")?, eps })
    }

    /// From weight and bias.
    #[cfg(test)]
    pub fn of(weight: Tensor<1>, bias: Tensor<1>, eps: f64) -> Self {
        Self { weight, bias, eps }
    }

    /// The same as plain numbers.
    pub fn plain(&self) -> steps::LayerNorm {
        steps::LayerNorm { weight: numbers(&self.weight), bias: numbers(&self.bias), eps: self.eps as f32 }
    }

    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let square = x.clone().square().mean_dim(D - 1);
        module::layer_norm(x, self.weight.clone(), Some(self.bias.clone()), self.eps) + zero_or_nan(square)
    }
}

/// x / sqrt(mean(x²) + eps) · weight over the last axis (Zhang and Sennrich 2019).
pub(crate) struct RmsNorm {
    weight: Tensor<1>,
    eps: f64,
}

impl RmsNorm {
    pub fn load(scope: &Scope<'_>, name: &str, eps: f64) -> Result<Self, CpuError> {
        Ok(Self { weight: scope.tensor(&format!("{name}.weight"))?, eps })
    }

    /// The same as decoding steps read it.
    pub fn plain(&self) -> steps::RmsNorm {
        steps::RmsNorm { weight: numbers(&self.weight), eps: self.eps as f32 }
    }

    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let mean_square = x.clone().square().mean_dim(D - 1);
        let lost = zero_or_nan(mean_square.clone());
        x / (mean_square + self.eps).sqrt() * self.weight.clone().unsqueeze() + lost
    }
}

fn numbers(vector: &Tensor<1>) -> Vec<f32> {
    vector.to_data().iter().collect()
}

/// Zeros, and NaN where `x` is NaN or infinite. Added to what bounds `x` (a quotient by it, a step, tanh), it passes on what would
/// otherwise end as a finite number.
pub(crate) fn zero_or_nan<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.clone() - x
}

/// max(x, 0), NaN for an infinite x.
pub(crate) fn checked_relu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    relu(x.clone()) + zero_or_nan(x)
}
