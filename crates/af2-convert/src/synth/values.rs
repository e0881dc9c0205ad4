//! Random values of a sensible scale, each a function of seed, tensor and index: any chunk can be made alone.

use std::ops::Range;

use crate::layout::{Origin, canonical};

/// What a tensor holds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// `centre ± spread`, uniform.
    Uniform { centre: f32, spread: f32 },
    /// θ_i = 4096^(−i/count): the rotary frequencies of the audio transformer.
    Frequencies { count: u64 },
    /// 64-bit integers, all zero.
    Zeros,
}

/// The values of one tensor.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Values {
    kind: Kind,
    stream: u64,
}

impl Values {
    /// Values for the tensor `name` of `shape`; integers are zero.
    pub fn new(seed: u64, name: &str, shape: &[usize], integers: bool) -> Self {
        // A tied head is its embedding, and an alias the tensor that it stands for.
        let name = canonical(Origin::Release, name).map_or_else(|| name.to_owned(), |canonical| canonical.name);
        let name = name.replace("lang_encoder.lm_head.", "lang_encoder.model.embed_tokens.");
        let kind = if integers { Kind::Zeros } else { kind(&name, shape) };
        let stream = name.bytes().fold(mix(seed), |state, byte| mix(state ^ u64::from(byte)));
        Self { kind, stream }
    }

    /// Little-endian bytes of a range of bytes; both ends on whole elements.
    pub fn bytes(&self, range: Range<u64>) -> Vec<u8> {
        let mut bytes = vec![0; (range.end - range.start) as usize];
        if self.kind != Kind::Zeros {
            for (index, element) in (range.start / 4..).zip(bytes.as_chunks_mut().0) {
                *element = self.value(index).to_le_bytes();
            }
        }
        bytes
    }

    fn value(&self, index: u64) -> f32 {
        match self.kind {
            Kind::Uniform { centre, spread } => {
                let unit = (mix(self.stream.wrapping_add(index)) >> 40) as f32 / (1_u64 << 23) as f32 - 1.0;
                centre + spread * unit
            }
            Kind::Frequencies { count } => 4096_f64.powf(-(index as f64) / count as f64) as f32,
            Kind::Zeros => 0.0,
        }
    }
}

/// Scales that keep activations near one in a network of any depth.
fn kind(name: &str, shape: &[usize]) -> Kind {
    let uniform = |centre, spread| Kind::Uniform { centre, spread };
    let ends = |suffix: &str| name.ends_with(suffix);
    if ends("inv_freq") {
        return Kind::Frequencies { count: shape.iter().product::<usize>() as u64 };
    }
    match shape {
        _ if ends("running_mean") => uniform(-30.0, 5.0),
        _ if ends("running_var") => uniform(300.0, 50.0),
        _ if ends("_gate") => uniform(0.5, 0.2),
        _ if ends("relative_position_bias_table") => uniform(0.0, 0.5),
        _ if ends(".bias") => uniform(0.0, 0.05),
        [_] => uniform(1.0, 0.1),
        [_, rest @ ..] => uniform(0.0, (3.0 / rest.iter().product::<usize>().max(1) as f32).sqrt()),
        [] => uniform(0.0, 1.0),
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_the_same_alone() {
        let values = Values::new(7, "a.weight", &[10, 30], false);
        let all = values.bytes(0..1200);
        assert_eq!(values.bytes(400..800), all[400..800]);
        assert_ne!(Values::new(8, "a.weight", &[10, 30], false).bytes(0..1200), all);
        let (name, alias) = ("lang_encoder.model.layers.1.decoder_layer.x", "lang_encoder.old_decoder_blocks.1.x");
        assert_eq!(Values::new(7, name, &[4], false), Values::new(7, alias, &[4], false));
        assert_ne!(Values::new(7, "b.weight", &[10, 30], false).bytes(0..1200), all);
    }

    #[test]
    fn matrices_keep_the_scale_of_their_input() {
        let values = Values::new(1, "a.weight", &[64, 256], false);
        let (floats, _) = values.bytes(0..4 * 64 * 256).as_chunks().0.iter().fold((0.0, 0), |(sum, n), bytes| {
            let value = f32::from_le_bytes(*bytes);
            (sum + value * value, n + 1)
        });
        let variance = floats / (64.0 * 256.0);
        assert!((variance * 256.0 - 1.0).abs() < 0.05, "{variance}");
    }
}
