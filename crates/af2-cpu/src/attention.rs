//! Scaled dot-product attention (Vaswani et al. 2017): softmax(q·kᵀ/√d + bias)·v, where d is the width of a head.

use burn_tensor::Tensor;
use burn_tensor::activation::softmax;

/// Attention over the last two axes.
///
/// # Shapes
/// `q`, [.., queries, d]; `k` and `v`, [.., keys, d]; `bias`, [.., queries, keys]. Leading axes are broadcast.
pub(crate) fn attention<const D: usize>(
    q: Tensor<D>,
    k: Tensor<D>,
    v: Tensor<D>,
    bias: Option<Tensor<D>>,
) -> Tensor<D> {
    let width = q.dims()[D - 1] as f64;
    let logits = (q * width.powf(-0.5)).matmul(k.transpose());
    let logits = match bias {
        Some(bias) => logits + bias,
        None => logits,
    };
    softmax(logits, D - 1).matmul(v)
}

/// [tokens, heads · width] to [heads, tokens, width].
pub(crate) fn split_heads(x: Tensor<2>, heads: usize) -> Tensor<3> {
    let [tokens, width] = x.dims();
    x.reshape([tokens, heads, width / heads]).swap_dims(0, 1)
}

/// [heads, tokens, width] to [tokens, heads · width].
pub(crate) fn merge_heads(x: Tensor<3>) -> Tensor<2> {
    let [heads, tokens, width] = x.dims();
    x.swap_dims(0, 1).reshape([tokens, heads * width])
}
