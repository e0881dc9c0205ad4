//! The key/value cache of self-attention. Clones share tensors until one of them grows, so a beam that forks costs one copy.
//!
//! The 3B model caches 2 key/value heads of 128 dimensions in each of 36 layers, 74 kB per token in float32.
//!
//! # Shapes
//! Keys and values are [kv heads, 1, tokens, d] each; the axis of 1 broadcasts over the query heads that share them. There is room for more
//! tokens than are in use, so that a token is written in place.

use burn_tensor::Tensor;

/// The cache of a sequence, layer by layer.
#[derive(Clone)]
pub(crate) struct KvCache {
    layers: Vec<LayerCache>,
    /// Tokens in the cache.
    pub length: usize,
}

/// Keys and values of one layer; `None` before the first token.
#[derive(Clone, Default)]
pub(crate) struct LayerCache {
    room: Option<[Tensor<4>; 2]>,
    length: usize,
}

impl KvCache {
    pub fn new(layers: usize) -> Self {
        Self { layers: vec![LayerCache::default(); layers], length: 0 }
    }

    pub fn layers(&mut self) -> impl Iterator<Item = &mut LayerCache> {
        self.layers.iter_mut()
    }
}

impl LayerCache {
    /// Appends keys and values of new tokens, [kv heads, new tokens, d], and returns all.
    pub fn append(&mut self, k: Tensor<3>, v: Tensor<3>) -> [Tensor<4>; 2] {
        let start = self.length;
        let new = [k, v].map(|new| new.unsqueeze_dim::<4>(1));
        self.length += new[0].dims()[2];
        let all = match self.room.take() {
            Some(room) => {
                let [room_k, room_v] = room.map(|room| with_room(room, start, self.length));
                let [k, v] = new;
                [written(room_k, k, start), written(room_v, v, start)]
            }
            None => new,
        };
        let seen = all.clone().map(|all| all.narrow(2, 0, self.length));
        self.room = Some(all);
        seen
    }
}

/// The same with room for `needed` tokens. It grows by half, so that the copies of a long answer add up to a few times its length.
fn with_room(room: Tensor<4>, used: usize, needed: usize) -> Tensor<4> {
    let [heads, one, tokens, width] = room.dims();
    if needed <= tokens {
        return room;
    }
    let rest = Tensor::zeros([heads, one, (needed + needed / 2).next_multiple_of(32) - used, width], &room.device());
    Tensor::cat(vec![room.narrow(2, 0, used), rest], 2)
}

fn written(room: Tensor<4>, new: Tensor<4>, start: usize) -> Tensor<4> {
    let [heads, one, tokens, width] = new.dims();
    room.slice_assign([0..heads, 0..one, start..start + tokens, 0..width], new)
}

#[cfg(test)]
mod tests {
    use burn_tensor::{Device, TensorData};

    use super::*;

    fn tokens(first: usize, count: usize) -> Tensor<3> {
        let value = |i: usize| (i / (count * 3) * 1000 + (first + i / 3 % count) * 3 + i % 3) as f32;
        let values: Vec<f32> = (0..2 * count * 3).map(value).collect();
        Tensor::from_data(TensorData::new(values, [2, count, 3]), &Device::flex())
    }

    #[test]
    fn a_cache_gives_back_what_was_appended_and_forks_do_not_meet() {
        let (mut cache, mut length) = (LayerCache::default(), 0);
        for count in [5, 1, 1, 40, 1, 70] {
            let [k, v] = cache.append(tokens(length, count), tokens(length, count) * -1.0);
            length += count;
            assert_eq!(k.dims(), [2, 1, length, 3]);
            assert_eq!(k.into_data(), tokens(0, length).unsqueeze_dim::<4>(1).into_data());
            assert_eq!(v.into_data(), (tokens(0, length) * -1.0).unsqueeze_dim::<4>(1).into_data());
        }
        let mut fork = cache.clone();
        fork.append(tokens(700, 1), tokens(700, 1));
        let [k, _] = cache.append(tokens(length, 1), tokens(length, 1));
        assert_eq!(k.into_data(), tokens(0, length + 1).unsqueeze_dim::<4>(1).into_data());
    }
}
