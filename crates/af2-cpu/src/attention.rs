//! Scaled dot-product attention (Vaswani et al. 2017): softmax(q·kᵀ/√d + bias)·v, where d is the width of a head.

use burn_tensor::Tensor;
use burn_tensor::activation::softmax;

/// Attention weights that are in memory at a time, 16 MiB of them: the audio transformer has 512·(64·n)² for n windows in all, which are
/// 3 GB for 25 minutes, and softmax takes them several times.
const WEIGHTS: usize = 1 << 22;

/// Attention over the last two axes, in blocks of queries, so that memory grows with queries and keys and not with their pairs.
///
/// # Shapes
/// `q`, [.., queries, d]; `k` and `v`, [.., keys, d]; `bias`, [.., queries, keys]. Leading axes are broadcast.
pub(crate) fn attention<const D: usize>(
    q: Tensor<D>,
    k: Tensor<D>,
    v: Tensor<D>,
    bias: Option<Tensor<D>>,
) -> Tensor<D> {
    in_blocks(q, k, v, bias, WEIGHTS)
}

fn in_blocks<const D: usize>(
    q: Tensor<D>,
    k: Tensor<D>,
    v: Tensor<D>,
    bias: Option<Tensor<D>>,
    weights: usize,
) -> Tensor<D> {
    let (queries, keys) = (q.dims()[D - 2], k.dims()[D - 2]);
    let per_query = keys * q.dims()[..D - 2].iter().product::<usize>();
    let block = (weights / per_query.max(1)).max(1);
    if block >= queries {
        return whole(q, k, v, bias);
    }
    let part = |start: usize| {
        let count = block.min(queries - start);
        let bias = bias.as_ref().map(|bias| bias.clone().narrow(D - 2, start, count));
        whole(q.clone().narrow(D - 2, start, count), k.clone(), v.clone(), bias)
    };
    Tensor::cat((0..queries).step_by(block).map(part).collect(), D - 2)
}

/// All queries at once.
fn whole<const D: usize>(q: Tensor<D>, k: Tensor<D>, v: Tensor<D>, bias: Option<Tensor<D>>) -> Tensor<D> {
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

#[cfg(test)]
mod tests {
    use burn_tensor::{Device, TensorData};

    use super::*;

    fn values(shape: [usize; 3], step: f32) -> Tensor<3> {
        let values: Vec<f32> = (0..shape.iter().product()).map(|i| (step * i as f32).sin()).collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    #[test]
    fn blocks_of_queries_give_what_all_at_once_give() {
        let (q, k, v) = (values([3, 70, 16], 0.7), values([3, 50, 16], 1.3), values([3, 50, 16], 0.9));
        for bias in [None, Some(values([1, 70, 50], 0.3))] {
            let attend = |weights| {
                let attended = in_blocks(q.clone(), k.clone(), v.clone(), bias.clone(), weights);
                assert_eq!(attended.dims(), [3, 70, 16]);
                attended.to_data().iter::<f32>().collect::<Vec<_>>()
            };
            let expected = attend(usize::MAX);
            for weights in [1, 150 * 7, 150 * 69, 150 * 70] {
                let found = attend(weights);
                let apart = expected.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(apart < 1e-6, "{weights} weights at a time: {apart}");
            }
        }
    }
}
