//! Converted models with random dimensions and random weights, as the bytes of their files.

use std::collections::BTreeMap;
use std::fs;

use af2_convert::rotary_frequencies;
use af2_core::config::{
    AudioConfig, AudioTransformerConfig, CrossAttentionConfig, EncoderConfig, ModelConfig, SpecialTokens, TextConfig,
};
use af2_core::sampling::uniform;
use af2_core::weights::Scheme;
use af2_core::weights::index::{FORMAT, IndexMetadata, ModelIndex, Quantization, Shard, scales_name, shard_name};
use af2_core::weights::safetensors::{TensorSpec, write_header};
use af2_core::weights::tensor_table::{INV_FREQ, Storage, TensorUse, tensor_table};
use af2_core::weights::verify::ShardHasher;

use crate::fixtures::fixture;

/// A repeatable source of random numbers.
pub struct Dice {
    seed: u64,
    count: u32,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self { seed, count: 0 }
    }

    /// In [0, 1).
    fn unit(&mut self) -> f32 {
        self.count += 1;
        uniform(self.seed, self.count)
    }

    /// Mean 0, deviation 1, bounded.
    fn around_zero(&mut self) -> f32 {
        3.0_f32.sqrt() * (2.0 * self.unit() - 1.0)
    }

    pub fn below(&mut self, end: usize) -> usize {
        ((self.unit() * end as f32) as usize).min(end - 1)
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// One of the choices that divides `whole`.
    fn divisor(&mut self, whole: usize, choices: &[usize]) -> usize {
        let fitting: Vec<usize> = choices.iter().copied().filter(|choice| whole.is_multiple_of(*choice)).collect();
        self.pick(&fitting)
    }
}

/// The files of a model.
#[derive(Clone)]
pub struct RandomModel {
    pub config: ModelConfig,
    pub scheme: Scheme,
    pub config_json: Vec<u8>,
    pub tokenizer_json: Vec<u8>,
    pub index_json: Vec<u8>,
    pub shard: Vec<u8>,
}

impl RandomModel {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let config = random_config(&mut dice);
        Self::pack(config, Scheme::ALL[(seed % 4) as usize], &mut dice)
    }

    /// Random weights for dimensions of the caller's choice.
    pub fn of(config: ModelConfig, scheme: Scheme, seed: u64) -> Self {
        Self::pack(config, scheme, &mut Dice::new(seed))
    }

    fn pack(config: ModelConfig, scheme: Scheme, dice: &mut Dice) -> Self {
        config.validate().unwrap();
        let (index, shard) = pack(&config, scheme, dice);
        Self {
            config_json: serde_json::to_vec(&config).unwrap(),
            tokenizer_json: fs::read(fixture("../../weights/toy/tokenizer.json")).unwrap(),
            index_json: index.to_json().unwrap().into_bytes(),
            shard,
            config,
            scheme,
        }
    }
}

fn random_config(dice: &mut Dice) -> ModelConfig {
    let embed_dim = dice.pick(&[8, 16, 24, 32]);
    let d_model = embed_dim << 3;
    let num_heads = (0..4).map(|stage| dice.divisor(embed_dim << stage, &[1, 2, 3, 4, 6, 8])).collect();
    // At least 32 dimensions of a head are rotated, so heads are no narrower.
    let n_head = dice.divisor(d_model / 32, &[1, 2, 3, 4]);
    let num_key_value_heads = dice.pick(&[1, 2, 3]);
    let num_hidden_layers = dice.pick(&[1, 2, 3]);
    let vocab_size = 97 + dice.below(500);
    let mut token = || dice.below(vocab_size) as u32;
    let (audio, end_of_chunk, pad, separator, end_of_text) = (token(), token(), token(), token(), token());
    ModelConfig {
        model_type: af2_core::config::MODEL_TYPE.into(),
        name: "random".into(),
        audio: AudioConfig {
            sample_rate: 16_000,
            window_length: dice.pick(&[0.5, 1.0, 2.5, 10.0]),
            window_overlap: dice.pick(&[0.0, 0.0, 0.25]),
            max_num_window: 3,
        },
        encoder: EncoderConfig {
            embed_dim,
            depths: (0..4).map(|_| dice.pick(&[1, 2, 2, 3])).collect(),
            num_heads,
            mlp_dims: (0..4).map(|stage| (embed_dim << stage) * dice.pick(&[1, 2, 4])).collect(),
        },
        audio_transformer: AudioTransformerConfig {
            d_model,
            n_layers: dice.pick(&[1, 2, 3]),
            n_head,
            d_inner: dice.pick(&[32, 96, 160]),
        },
        cross_attention: CrossAttentionConfig {
            num_heads: dice.pick(&[1, 3, 8]),
            head_dim: dice.pick(&[32, 64]),
            every_n_layers: dice.pick(&[1, 1, 2, 3]).min(num_hidden_layers),
            ff_inner: dice.pick(&[32, 96, 288]),
        },
        text: TextConfig {
            hidden_size: dice.pick(&[32, 64, 96, 160]),
            num_hidden_layers,
            num_attention_heads: num_key_value_heads * dice.pick(&[1, 2, 3]),
            num_key_value_heads,
            head_dim: dice.pick(&[32, 64, 96]),
            intermediate_size: dice.pick(&[32, 96, 224]),
            vocab_size,
            rms_norm_eps: 1e-6,
            rope_theta: dice.pick(&[1e4, 1e6]),
            tie_word_embeddings: dice.pick(&[true, false]),
        },
        tokens: SpecialTokens { audio, end_of_chunk, pad, separator, end_of_text },
    }
}

/// Index and shard of random weights; matrices that a scheme cannot hold are stored as f16.
fn pack(config: &ModelConfig, scheme: Scheme, dice: &mut Dice) -> (ModelIndex, Vec<u8>) {
    let name = shard_name(1, 1);
    let (mut specs, mut body, mut parameters) = (Vec::new(), Vec::new(), 0);
    let mut quantization = BTreeMap::new();
    for tensor in tensor_table(config) {
        let (rows, cols) = tensor.matrix();
        let stored = if tensor.storage == Storage::Matrix { scheme.or_f16(cols) } else { Scheme::F32 };
        let packed = stored.pack(rows, cols, &values(&tensor, dice)).unwrap();
        let mut shape = tensor.shape.clone();
        if tensor.storage == Storage::Matrix {
            shape[1] = stored.data_cols(cols);
        }
        specs.push(TensorSpec { name: tensor.name.clone(), dtype: stored.data_dtype(), shape });
        if let Some((dtype, shape)) = stored.scales(rows, cols) {
            specs.push(TensorSpec { name: scales_name(&tensor.name), dtype, shape: shape.to_vec() });
        }
        if stored != Scheme::F32 {
            quantization.insert(tensor.name.clone(), Quantization::new(&tensor.name, stored));
        }
        body.extend([packed.data, packed.scales].concat());
        parameters += tensor.parameters();
    }
    let total_size = body.len() as u64;
    let weight_map = specs.iter().map(|spec| (spec.name.clone(), name.clone())).collect();
    let shard = [write_header(&specs, &BTreeMap::new()).unwrap(), body].concat();
    let mut hasher = ShardHasher::new();
    hasher.update(&shard);
    let (bytes, sha256) = hasher.finish();
    let metadata = IndexMetadata { format: FORMAT.into(), total_size, total_parameters: parameters, self_test: None };
    let shards = BTreeMap::from([(name, Shard { bytes, sha256 })]);
    (ModelIndex { metadata, weight_map, shards, quantization, files: BTreeMap::new() }, shard)
}

/// Weights that keep activations near 1, with every bias, gate and statistic in effect.
fn values(tensor: &TensorUse, dice: &mut Dice) -> Vec<f32> {
    let (rows, cols) = tensor.matrix();
    let count = rows * cols;
    let name = tensor.name.as_str();
    let (mean, spread) = match name {
        INV_FREQ => return rotary_frequencies(2 * count),
        _ if tensor.storage == Storage::Matrix => (0.0, (cols as f32).powf(-0.5)),
        _ if name.ends_with("bn0.running_mean") => (-40.0, 10.0),
        _ if name.ends_with("bn0.running_var") => (400.0, 100.0),
        _ if name.ends_with("patch_embed.proj.weight") => (0.0, 0.25),
        _ if name.ends_with("gate") => (0.0, 1.0),
        _ if name.ends_with("table") => (0.0, 0.5),
        _ if name.ends_with(".weight") => (1.0, 0.2),
        _ => (0.0, 0.2),
    };
    (0..count).map(|_| mean + spread * dice.around_zero()).collect()
}
