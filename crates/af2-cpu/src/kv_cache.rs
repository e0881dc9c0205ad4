//! The key/value cache of self-attention. Clones share their numbers until one of them grows, so a beam that forks costs one copy.
//!
//! The 3B model caches 2 key/value heads of 128 dimensions in each of 36 layers, 74 kB per token in float32.

use std::sync::Arc;

use burn_tensor::{Tensor, TensorData};

use crate::attention::{merge_heads, split_heads};

/// The cache of a sequence, layer by layer.
#[derive(Clone)]
pub(crate) struct KvCache {
    layers: Vec<LayerCache>,
    /// Tokens in the cache.
    pub length: usize,
}

/// Keys and values of one layer.
#[derive(Clone)]
pub(crate) enum LayerCache {
    /// Plain numbers, which decoding steps read: [tokens, kv heads · d] each.
    Rows([Arc<Vec<f32>>; 2]),
    /// Tensors, [kv heads, 1, room, d], of which the first `length` tokens are in use, so that a token is written in place; for backends
    /// that compute elsewhere or record gradients. `None` before the first token.
    Tensors { room: Option<Box<[Tensor<4>; 2]>>, length: usize },
}

impl KvCache {
    /// An empty cache; of plain numbers if the backend computes with them.
    pub fn new(layers: usize, plain: bool) -> Self {
        let layer =
            if plain { LayerCache::Rows(Default::default()) } else { LayerCache::Tensors { room: None, length: 0 } };
        Self { layers: vec![layer; layers], length: 0 }
    }

    pub fn layers(&mut self) -> impl Iterator<Item = &mut LayerCache> {
        self.layers.iter_mut()
    }

    /// Appends keys and values of new tokens to a layer of plain numbers, [new tokens, kv heads · d] each.
    pub fn append_rows(&mut self, layer: usize, k: &[f32], v: &[f32]) {
        if let LayerCache::Rows(held) = &mut self.layers[layer] {
            held.iter_mut().zip([k, v]).for_each(|(held, new)| Arc::make_mut(held).extend_from_slice(new));
        }
    }

    /// Keys and values of a layer of plain numbers, [tokens, kv heads · d] each.
    pub fn rows(&self, layer: usize) -> [&[f32]; 2] {
        match &self.layers[layer] {
            LayerCache::Rows([k, v]) => [k, v],
            LayerCache::Tensors { .. } => [&[], &[]],
        }
    }
}

impl LayerCache {
    /// Appends keys and values of new tokens, [kv heads, new tokens, d], and returns all, [kv heads, 1, tokens, d]: the axis of 1
    /// broadcasts over the query heads that share them.
    pub fn append(&mut self, k: Tensor<3>, v: Tensor<3>) -> [Tensor<4>; 2] {
        match self {
            Self::Rows([held_k, held_v]) => [(held_k, k), (held_v, v)].map(|(held, new)| with_rows(held, new)),
            Self::Tensors { room, length } => with_tensors(room, length, [k, v]),
        }
    }
}

fn with_rows(held: &mut Arc<Vec<f32>>, new: Tensor<3>) -> Tensor<4> {
    let ([heads, _, width], device) = (new.dims(), new.device());
    let first = held.is_empty();
    Arc::make_mut(held).extend(merge_heads(new.clone()).into_data().iter::<f32>());
    if first {
        return new.unsqueeze_dim(1);
    }
    let all = TensorData::new(held.to_vec(), [held.len() / (heads * width), heads * width]);
    split_heads(Tensor::from_data(all, &device), heads).unsqueeze_dim(1)
}

fn with_tensors(room: &mut Option<Box<[Tensor<4>; 2]>>, length: &mut usize, new: [Tensor<3>; 2]) -> [Tensor<4>; 2] {
    let start = *length;
    let new = new.map(|new| new.unsqueeze_dim::<4>(1));
    *length += new[0].dims()[2];
    let all = match room.take() {
        Some(room) => {
            let [room_k, room_v] = room.map(|room| with_room(room, start, *length));
            let [k, v] = new;
            [written(room_k, k, start), written(room_v, v, start)]
        }
        None => new,
    };
    let seen = all.clone().map(|all| all.narrow(2, 0, *length));
    *room = Some(Box::new(all));
    seen
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
        for plain in [false, true] {
            let mut whole = KvCache::new(1, plain);
            let (cache, mut length) = (&mut whole.layers[0], 0);
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

    #[test]
    fn rows_and_tensors_of_a_cache_are_the_same_numbers() {
        let mut cache = KvCache::new(2, true);
        cache.layers[1].append(tokens(0, 4), tokens(0, 4));
        let next: Vec<f32> = merge_heads(tokens(4, 2)).into_data().iter().collect();
        cache.append_rows(1, &next, &next);
        let all: Vec<f32> = merge_heads(tokens(0, 6)).into_data().iter().collect();
        assert_eq!(cache.rows(1), [&all[..], &all[..]]);
        let [k, _] = cache.layers[1].append(tokens(6, 1), tokens(6, 1));
        assert_eq!(k.into_data(), tokens(0, 7).unsqueeze_dim::<4>(1).into_data());
        assert_eq!(cache.rows(0), [&[0.0; 0][..]; 2]);
    }
}
