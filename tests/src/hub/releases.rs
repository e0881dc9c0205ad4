//! Releases in the layout of the hub: the toy model, the released sizes, and generated ones of any dimensions.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use af2_convert::synth::{Size, SyntheticRelease, alias};
use af2_core::config::ModelConfig;
use af2_core::weights::safetensors::{Dtype, TensorSpec};
use af2_core::weights::tensor_table::tensor_table;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde::Deserialize;
use serde_json::json;

use super::file::Files;
use crate::fixtures::fixture;

/// Repository of small releases: tests pull them under the name of the smallest released size.
const RELEASE: &str = Size::B0_5.repository();
const BASE: &str = Size::B0_5.base_repository();
const CARD: &[u8] = b"The toy model of the tests, in the layout of a release.\n";

/// How a checkpoint is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Every decoder and cross-attention tensor twice, and the tied head: as the releases are.
    WholeState,
    /// The same in three files.
    WholeStateInThree,
    /// Without decoder layers and final norm, which the base holds.
    Filtered,
}

/// A release and its base.
pub struct Release {
    /// Files by repository.
    pub repositories: BTreeMap<String, Files>,
}

impl Release {
    /// The toy model.
    pub fn tiny_a(layout: Layout) -> Self {
        let chunks =
            [0, 1, 2, 3].map(|chunk| fs::read(fixture(&format!("tiny-a/safe_ckpt/chunk_{chunk}.safetensors"))));
        let chunks = chunks.map(Result::unwrap);
        let own = chunks.iter().flat_map(|chunk| SafeTensors::deserialize(chunk).unwrap().tensors());
        let mut tensors: HashMap<String, TensorView<'_>> = own.collect();
        let mut base = base_of(&fixture("tiny-a/lang_encoder"));
        let names: Vec<String> = tensors.keys().cloned().collect();
        if layout == Layout::Filtered {
            let frozen = |name: &&String| name.contains(".decoder_layer.") || *name == "lang_encoder.model.norm.weight";
            let rename = |name: &str| name.replacen("lang_encoder.", "", 1).replace("decoder_layer.", "");
            let moved = names.iter().filter(frozen).map(|name| (rename(name), tensors.remove(name).unwrap()));
            let moved: Vec<_> = moved.collect();
            base.insert("model.safetensors", safetensors::serialize(moved, None).unwrap());
        } else {
            let aliases = names.iter().filter_map(|name| Some((alias(name)?, tensors[name].clone())));
            let aliases: Vec<_> = aliases.collect();
            tensors.extend(aliases);
        }
        let parts = if layout == Layout::WholeStateInThree { 3 } else { 1 };
        Self::new(whole(tensors, parts), base)
    }

    /// A released size with random weights.
    ///
    /// # Panics
    /// For another name than `3b`, `1.5b` or `0.5b`.
    pub fn synth(size: &str) -> Self {
        let (_, size) = Size::ALL.into_iter().find(|(name, _)| *name == size).expect("a released size");
        Self::generated(SyntheticRelease::on_hub(size, 0).unwrap())
    }

    /// Random weights of any dimensions, with the toy's tokenizer: its 609 entries are the vocabulary.
    pub fn random(config: &ModelConfig, seed: u64) -> Self {
        let spec = |name: String, shape| TensorSpec { name, shape, dtype: Dtype::F32 };
        let tensors = tensor_table(config).into_iter().map(|tensor| spec(tensor.name, tensor.shape)).collect();
        let mut release = SyntheticRelease::default();
        release.add_whole_state(RELEASE, tensors, seed).unwrap();
        let mut repositories = Self::generated(release).repositories;
        let mut base = base_of(&fixture("tiny-a/lang_encoder"));
        base.insert("config.json", base_config(config));
        repositories.insert(BASE.into(), base);
        Self { repositories }
    }

    /// The repositories of a generated release.
    fn generated(release: SyntheticRelease) -> Self {
        let mut repositories: BTreeMap<String, Files> = BTreeMap::new();
        for (path, file) in Files::from(release).0 {
            let slash = path.match_indices('/').nth(1).expect("a file of a repository ORG/NAME").0;
            repositories.entry(path[..slash].into()).or_default().0.insert(path[slash + 1..].into(), file);
        }
        Self { repositories }
    }

    fn new(release: Files, base: Files) -> Self {
        Self { repositories: BTreeMap::from([(RELEASE.into(), release), (BASE.into(), base)]) }
    }

    /// Writes the repositories as folders `ORG/NAME`.
    pub fn write(&self, folder: &Path) {
        for (repository, Files(files)) in &self.repositories {
            for (path, file) in files {
                let target = folder.join(repository).join(path);
                fs::create_dir_all(target.parent().unwrap()).unwrap();
                fs::write(target, file.read(0..file.size()).unwrap()).unwrap();
            }
        }
    }
}

/// The files of a release whose tensors are dealt out to so many weight files.
fn whole(tensors: HashMap<String, TensorView<'_>>, parts: usize) -> Files {
    let mut files = Files::default();
    files.insert("README.md", CARD.into());
    files.insert("LICENSE.md", CARD.into());
    let mut chunks = vec![Vec::new(); parts];
    let ordered: BTreeMap<_, _> = tensors.into_iter().collect();
    ordered.into_iter().enumerate().for_each(|(i, tensor)| chunks[i % parts].push(tensor));
    let mut metadata = serde_json::Map::new();
    for (number, chunk) in chunks.into_iter().enumerate() {
        let name = format!("model_chunk_{number}");
        metadata.insert(name.clone(), chunk.iter().map(|(tensor, _)| tensor.as_str()).collect());
        files.insert(&format!("safe_ckpt/{name}.safetensors"), safetensors::serialize(chunk, None).unwrap());
    }
    files.insert("safe_ckpt/metadata.json", serde_json::to_vec_pretty(&metadata).unwrap());
    files
}

/// The repository of a base whose weights nobody needs.
fn base_of(folder: &Path) -> Files {
    let mut files = Files::from(folder);
    files.insert("README.md", CARD.into());
    files
}

/// `config.json` of the base of a model.
fn base_config(config: &ModelConfig) -> Vec<u8> {
    let text = &config.text;
    let config = json!({
        "hidden_act": "silu",
        "hidden_size": text.hidden_size,
        "head_dim": text.head_dim,
        "intermediate_size": text.intermediate_size,
        "model_type": "qwen2",
        "num_attention_heads": text.num_attention_heads,
        "num_hidden_layers": text.num_hidden_layers,
        "num_key_value_heads": text.num_key_value_heads,
        "rms_norm_eps": text.rms_norm_eps,
        "rope_theta": text.rope_theta,
        "tie_word_embeddings": text.tie_word_embeddings,
    });
    serde_json::to_vec_pretty(&config).unwrap()
}
