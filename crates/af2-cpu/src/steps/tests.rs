//! The operations on plain numbers compared with Burn's.

use burn_tensor::activation::{gelu, silu};
use burn_tensor::{Device, Tensor, TensorData, module};

use super::activations::{Gelu, SiluTimes, exp};
use super::attention::{Heads, KeyValues, attend};
use super::*;
use crate::attention::{attention, merge_heads, split_heads};
use crate::packed::Instructions;
use af2_core::weights::Scheme;

fn values(count: usize, step: f32, size: f32) -> Vec<f32> {
    (0..count).map(|i| (step * i as f32).sin() * size).collect()
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
}

/// The largest difference, in units of 1 + the expected number.
fn apart<const D: usize>(found: &[f32], expected: Tensor<D>) -> f32 {
    let expected: Vec<f32> = expected.into_data().iter().collect();
    assert_eq!(found.len(), expected.len());
    found.iter().zip(&expected).map(|(a, b)| (a - b).abs() / (1.0 + b.abs())).fold(0.0, f32::max)
}

#[test]
fn exponentials_are_those_of_the_standard_library() {
    for i in -86_000..88_000 {
        let x = i as f32 * 1e-3;
        let (found, expected) = (exp(x), x.exp());
        assert!((found - expected).abs() <= 2.5e-7 * expected, "{x}: {found:e} for {expected:e}");
    }
    assert!(exp(f32::NAN).is_nan() && exp(-200.0) < 1e-37 && exp(200.0) > 1e38);
}

#[test]
fn activation_functions_are_those_of_burn() {
    let (gate, up) = (values(4_864, 0.7, 12.0), values(4_864, 1.1, 2.0));
    let mut found = gate.clone();
    Instructions::found().run(SiluTimes { gate: &mut found, up: &up });
    assert!(apart(&found, silu(tensor(&gate, [4_864])) * tensor(&up, [4_864])) < 5e-7);
    let mut found = gate.clone();
    Instructions::found().run(Gelu(&mut found));
    assert!(apart(&found, gelu(tensor(&gate, [4_864]))) < 5e-7);
    let mut bad = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    Instructions::found().run(Gelu(&mut bad));
    assert!(bad.iter().all(|x| !x.is_finite()), "{bad:?}");
}

#[test]
fn norms_are_those_of_burn() {
    for width in [7, 64, 896] {
        let (x, weight, bias) = (values(3 * width, 0.3, 5.0), values(width, 0.9, 1.5), values(width, 0.4, 0.5));
        let (rows, eps) = (tensor(&x, [3, width]), 1e-5);
        let found = LayerNorm { weight: weight.clone(), bias: bias.clone(), eps: 1e-5 }.forward(&x);
        let expected = module::layer_norm(rows.clone(), tensor(&weight, [width]), Some(tensor(&bias, [width])), eps);
        assert!(apart(&found, expected) < 2e-6);
        let found = RmsNorm { weight: weight.clone(), eps: 1e-5 }.forward(&x);
        let expected = rows.clone() / (rows.square().mean_dim(1) + eps).sqrt() * tensor(&weight, [1, width]);
        assert!(apart(&found, expected) < 2e-6);
        for bad in [f32::NAN, f32::INFINITY, 1e30] {
            let mut x = x.clone();
            x[width + 1] = bad;
            let normed = RmsNorm { weight: weight.clone(), eps: 1e-5 }.forward(&x);
            let lost: Vec<bool> = normed.chunks(width).map(|row| row.iter().all(|x| x.is_nan())).collect();
            assert_eq!(lost, [false, true, false], "{bad}");
        }
    }
}

#[test]
fn attention_is_that_of_burn() {
    for (heads, width, tokens) in [([14, 2], 64, 37), ([8, 8], 64, 1), ([4, 2], 6, 700)] {
        let ([queries, kv], rows) = (heads, 3);
        let q = values(rows * queries * width, 0.7, 2.0);
        let (k, v) = (values(tokens * kv * width, 1.3, 1.0), values(tokens * kv * width, 0.9, 3.0));
        let held = KeyValues { k: &k, v: &v, stride: kv * width, tokens };
        let found = attend(&q, &vec![held; rows], Heads { queries, kv, width });
        let grouped =
            split_heads(tensor(&q, [rows, queries * width]), queries).reshape([kv, queries / kv, rows, width]);
        let [k, v] = [&k, &v].map(|x| split_heads(tensor(x, [tokens, kv * width]), kv).unsqueeze_dim::<4>(1));
        let expected = merge_heads(attention(grouped, k, v, None).reshape([queries, rows, width]));
        assert!(apart(&found, expected) < 2e-6, "{heads:?}");
    }
}

#[test]
fn every_row_attends_to_its_own_tokens() {
    let (heads, k) = (Heads { queries: 2, kv: 1, width: 4 }, values(40, 1.3, 1.0));
    let q = values(16, 0.7, 2.0);
    let of = |tokens| KeyValues { k: &k, v: &k, stride: 4, tokens };
    let both = attend(&q, &[of(3), of(10)], heads);
    assert_eq!(both[..8], attend(&q[..8], &[of(3)], heads));
    assert_eq!(both[8..], attend(&q[8..], &[of(10)], heads));
    let none = KeyValues { k: &[], v: &[], stride: 2, tokens: 0 };
    assert_eq!(attend(&q[..8], &[none], heads), [0.0; 8]);
}

fn matrix(rows: usize, cols: usize, step: f32) -> Linear {
    let packed = Scheme::Q8.pack(rows, cols, &values(rows * cols, step, 0.3)).unwrap();
    let weight = PackedMatrix::new(Scheme::Q8, [rows, cols], packed.data, packed.scales).unwrap();
    Linear { weight: Arc::new(weight), bias: None }
}

/// A decoder of width 32 with two layers, the first with a cross-attention block.
fn decoder() -> Steps {
    let norm = || RmsNorm { weight: vec![1.0; 32], eps: 1e-6 };
    let layer = |step: f32| Layer {
        input_layernorm: norm(),
        q_proj: Linear { bias: Some(values(32, 0.2, 0.5)), ..matrix(32, 32, step) },
        k_proj: matrix(16, 32, step + 0.1),
        v_proj: matrix(16, 32, step + 0.2),
        o_proj: matrix(32, 32, step + 0.3),
        post_attention_layernorm: norm(),
        gate_proj: matrix(64, 32, step + 0.4),
        up_proj: matrix(64, 32, step + 0.5),
        down_proj: matrix(32, 64, step + 0.6),
        heads: 4,
        kv_heads: 2,
    };
    let layer_norm = || LayerNorm { weight: vec![1.0; 32], bias: vec![0.1; 32], eps: 1e-5 };
    let cross = CrossAttention {
        attn_gate: 0.7,
        ff_gate: 0.5,
        attn_norm: layer_norm(),
        to_q: matrix(32, 32, 2.1),
        to_out: matrix(32, 32, 2.2),
        ff_norm: layer_norm(),
        ff_1: matrix(64, 32, 2.3),
        ff_3: matrix(32, 64, 2.4),
        heads: 2,
    };
    Steps {
        embed_tokens: matrix(50, 32, 0.9).weight,
        layers: vec![(Some(cross), layer(1.0)), (None, layer(1.7))],
        norm: norm(),
        lm_head: matrix(50, 32, 0.8).weight,
        frequencies: vec![1.0, 0.3, 0.1, 0.01],
    }
}

#[test]
fn tokens_one_by_one_and_sequences_together_give_what_all_at_once_give() {
    let (steps, device) = (decoder(), Device::flex());
    let audio = |step| {
        vec![
            Some(AudioKv::new(Tensor::<2>::from_data(TensorData::new(values(320, step, 2.0), [5, 64]), &device), true)),
            None,
        ]
    };
    let (heard, other) = (audio(0.6), audio(1.9));
    let close = |a: &[f32], b: &[f32]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
    let alone = |tokens: &[u32], audio_kv: &[Option<AudioKv>], last| {
        let mut cache = KvCache::new(2, true);
        steps.logits(&mut [Sequence { tokens, audio_kv, cache: &mut cache }], last)
    };
    let (first, second) = ([3, 14, 15, 9, 26], [5, 3, 5]);
    let whole = alone(&first, &heard, 5);
    let (mut cache, mut fork) = (KvCache::new(2, true), KvCache::new(2, true));
    for (index, token) in first.iter().enumerate() {
        let logits = steps.logits(&mut [Sequence { tokens: &[*token], audio_kv: &heard, cache: &mut cache }], 1);
        assert!(close(&logits, &whole[index * 50..][..50]), "token {index}");
    }
    let mut cache = KvCache::new(2, true);
    let mut sequences = [
        Sequence { tokens: &first, audio_kv: &heard, cache: &mut cache },
        Sequence { tokens: &second, audio_kv: &other, cache: &mut fork },
    ];
    let together = steps.logits(&mut sequences, 1);
    assert!(close(&together, &[&whole[200..], &alone(&second, &other, 1)[..]].concat()));
    assert!(!close(&alone(&second, &other, 1), &alone(&second, &heard, 1)), "the audio is heard");
    assert_eq!((cache.length, fork.length), (5, 3));
}
