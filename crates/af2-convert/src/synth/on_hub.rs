//! A release and its base as the hub holds them: two repositories.
//!
//! The release is a whole-state save: beside every tensor of a decoder layer and of a cross-attention block its alias,
//! and the tied head. There is no `configs/`.

use af2_core::weights::safetensors::{Dtype, TensorSpec};
use af2_core::weights::tensor_table::{EMBEDDING, HEAD};

use super::{SyntheticRelease, chunks};
use crate::error::ConvertError;
use crate::synth::Size;

/// About how large a weight file may be, in bytes: that of the 0.5B, 7.18 GB, is one.
const CHUNK: u64 = 10_000_000_000;

const CARD: &str = "Random weights in the layout of a release of Audio Flamingo 2. They answer nothing.\n";
const ATTRIBUTES: &str = "*.safetensors filter=lfs diff=lfs merge=lfs -text\n";

impl SyntheticRelease {
    /// The repositories of a size, as folders `ORG/NAME`: the release, and configuration and tokenizer of its base.
    ///
    /// # Errors
    /// [`ConvertError`] if a file cannot be written as JSON.
    pub fn on_hub(size: Size, seed: u64) -> Result<Self, ConvertError> {
        let mut release = Self::default();
        release.add_whole_state(size.repository(), size.tensors().collect(), seed)?;
        release.add(&format!("{}/README.md", size.base_repository()), CARD.into());
        release.add_language_model(size.base_repository(), &size.language_model())?;
        Ok(release)
    }

    /// Adds the repository of a release whose tensors, without aliases, are these.
    ///
    /// # Errors
    /// [`ConvertError`] if a file cannot be written as JSON.
    pub fn add_whole_state(
        &mut self,
        repository: &str,
        tensors: Vec<TensorSpec>,
        seed: u64,
    ) -> Result<(), ConvertError> {
        self.add(&format!("{repository}/.gitattributes"), ATTRIBUTES.into());
        self.add(&format!("{repository}/LICENSE.md"), CARD.into());
        self.add(&format!("{repository}/README.md"), CARD.into());
        let mut chunks = chunks(whole_state(tensors), CHUNK);
        chunks.iter_mut().for_each(|chunk| chunk.sort_by_key(place));
        self.add_chunks(&format!("{repository}/safe_ckpt"), "model_chunk_", chunks, seed)
    }
}

/// The tensors with their aliases and the tied head.
fn whole_state(mut tensors: Vec<TensorSpec>) -> Vec<TensorSpec> {
    let renamed = |tensor: &TensorSpec, name: String| TensorSpec { name, ..tensor.clone() };
    let embedding = tensors.iter().find(|tensor| tensor.name == EMBEDDING);
    let head = embedding.map(|embedding| renamed(embedding, HEAD.into()));
    if let Some(head) = head.filter(|_| tensors.iter().all(|tensor| tensor.name != HEAD)) {
        tensors.push(head);
    }
    let aliases: Vec<_> =
        tensors.iter().filter_map(|tensor| alias(&tensor.name).map(|name| renamed(tensor, name))).collect();
    tensors.extend(aliases);
    tensors
}

/// The second name of a tensor of a decoder layer or cross-attention block in a whole-state save.
pub fn alias(name: &str) -> Option<String> {
    let (layer, rest) = name.strip_prefix("lang_encoder.model.layers.")?.split_once('.')?;
    let (block, rest) = rest.split_once('.')?;
    let list = if block == "decoder_layer" { "old_decoder_blocks" } else { "gated_cross_attn_layers_sound" };
    Some(format!("lang_encoder.{list}.{layer}.{rest}"))
}

/// Order of tensors in a file, as safetensors writes them: wide elements first, then by name.
fn place(tensor: &TensorSpec) -> (bool, String) {
    (tensor.dtype != Dtype::I64, tensor.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Origin, canonical};

    /// Bytes of the weight files, as listed on the hub for the 0.5B and counted in the same way for the others.
    #[test]
    fn weight_files_have_their_listed_sizes() {
        for (size, gigabytes, files) in [(Size::B0_5, 7.18, 1), (Size::B1_5, 18.82, 2), (Size::B3, 36.98, 4)] {
            let release = SyntheticRelease::on_hub(size, 0).unwrap();
            let chunks: Vec<u64> =
                release.files().filter(|(name, _)| name.ends_with(".safetensors")).map(|(_, bytes)| bytes).collect();
            let total = chunks.iter().sum::<u64>() as f64 / 1e9;
            assert!((total - gigabytes).abs() < 0.005, "{}: {total} GB", size.name());
            assert_eq!(chunks.len(), files, "{}", size.name());
            assert!(release.files().all(|(name, _)| name.starts_with("nvidia/") || name.starts_with("Qwen/")));
        }
    }

    #[test]
    fn aliases_name_the_tensor_they_stand_for() {
        let tensors: Vec<TensorSpec> = Size::B0_5.tensors().collect();
        let all = whole_state(tensors.clone());
        assert_eq!(all.len(), 911 + 552);
        for tensor in &all[tensors.len()..] {
            let canonical = canonical(Origin::Release, &tensor.name).unwrap();
            assert!(canonical.alias && tensors.iter().any(|own| own.name == canonical.name), "{}", tensor.name);
        }
    }
}
