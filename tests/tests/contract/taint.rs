//! Taint: one NaN or infinity in any weight tensor ends in an error, the same from both engines and for all kernels, never in an answer.

use std::collections::BTreeMap;

use af2_core::config::ModelConfig;
use af2_core::engine::GenerateOptions;
use af2_core::weights::Scheme;
use af2_core::weights::index::ModelIndex;
use af2_core::weights::safetensors::{Header, TensorEntry};
use af2_core::weights::stored::StoredTensor;
use af2_core::weights::tensor_table::{Storage, TensorUse, tensor_table};
use af2_gpu::Tuning;
use af2_tests::random_model::RandomModel;

use crate::engines::{ENGINES, Loaded, OpenLoader, open_gpu_loader_tuned};
use crate::{Files, noise};

/// Where each element of a tensor is stored, by scheme.
fn place(stored: &StoredTensor, element: usize) -> (&TensorEntry, usize, usize) {
    let (row, group) = (element / stored.cols, element / 32);
    match (stored.scheme, &stored.scales) {
        (Scheme::F32, _) => (&stored.data.entry, 4 * element, 4),
        (Scheme::F16, _) => (&stored.data.entry, 2 * element, 2),
        (Scheme::Q8, Some(scales)) => (&scales.entry, 2 * group, 2),
        (Scheme::Q4, Some(scales)) => (&scales.entry, row * scales.entry.shape[1], 4),
        _ => panic!("a quantised matrix without scales"),
    }
}

/// A model whose every layer is small: two blocks in the first stage, so that one of them is shifted, and one of everything else.
fn small(scheme: Scheme, tied: bool) -> Files {
    let mut config: ModelConfig = RandomModel::new(2).config;
    config.encoder.embed_dim = 8;
    config.encoder.depths = vec![2, 1, 1, 1];
    config.encoder.num_heads = vec![1, 2, 2, 4];
    config.encoder.mlp_dims = vec![8, 16, 32, 64];
    config.audio.window_length = 1.0;
    config.audio.window_overlap = 0.0;
    config.audio_transformer.d_model = 64;
    config.audio_transformer.n_head = 1;
    config.audio_transformer.n_layers = 1;
    config.audio_transformer.d_inner = 32;
    config.cross_attention.every_n_layers = 1;
    config.text.num_hidden_layers = 1;
    config.text.tie_word_embeddings = tied;
    Files::of(RandomModel::of(config, scheme, 7))
}

/// The tensors of a model and where they are in its shard.
fn tensors(files: &Files) -> Vec<(TensorUse, StoredTensor)> {
    let index = ModelIndex::parse(&files.model.index_json).unwrap();
    let shard = &files.model.shard;
    let header = usize::try_from(u64::from_le_bytes(shard[..8].try_into().unwrap())).unwrap();
    let header = Header::parse(&shard[8..8 + header], shard.len() as u64).unwrap();
    let locate = |tensor: TensorUse| {
        let stored = StoredTensor::locate(&tensor, &index, |_| Some(&header)).unwrap();
        (tensor, stored)
    };
    tensor_table(&files.model.config).into_iter().map(locate).collect()
}

/// The same model with one element of a tensor, or its scale, replaced.
fn tainted(files: &Files, stored: &StoredTensor, element: usize, taint: f32) -> Files {
    let (entry, offset, bytes) = place(stored, element);
    let begin = entry.begin as usize + offset;
    let mut tainted = files.clone();
    tainted.shard(|shard| {
        let half = if taint.is_nan() { 0x7e00_u16 } else { 0x7c00 };
        match bytes {
            2 => shard[begin..begin + 2].copy_from_slice(&half.to_le_bytes()),
            _ => shard[begin..begin + 4].copy_from_slice(&taint.to_le_bytes()),
        }
    });
    tainted
}

/// One token of an answer.
fn answer(files: &Files, open: OpenLoader) -> Result<Vec<u32>, String> {
    let mut model: Box<dyn Loaded> = files.load(open).map_err(|(_, text)| text)?;
    model.listen(&noise(&files.model, 1), &mut |_, _| true)?;
    let options = GenerateOptions { max_new_tokens: 1, ..GenerateOptions::default() };
    Ok(model.generate(&[1, 2, 3], &options, &mut |_| true)?.ids)
}

/// What must be named as lost.
fn stage(tensor: &str) -> &'static str {
    match tensor {
        _ if tensor.starts_with("clap.") => "the encoder's tokens hold",
        _ if tensor.starts_with("audio_transformer") || tensor.ends_with("attn.to_kv.weight") => {
            "the audio's keys and values hold"
        }
        _ => "the logits hold",
    }
}

/// Taints tensors in turn; `taints` says with what.
fn every_tensor(scheme: Scheme, engines: &[OpenLoader], taints: impl Fn(usize, &TensorUse) -> Vec<f32>) {
    let files = small(scheme, true);
    engines.iter().for_each(|open| drop(answer(&files, *open).expect("an answer without a taint")));
    let mut refused = BTreeMap::<&str, usize>::new();
    for (number, (tensor, stored)) in tensors(&files).iter().enumerate() {
        // Element of no special place; for the embedding, in a row that no prompt has: it is the head too.
        let element = stored.rows * stored.cols * 5 / 8;
        for taint in taints(number, tensor) {
            let files = tainted(&files, stored, element, taint);
            for open in engines {
                let message = answer(&files, *open).expect_err(&format!("{taint} in {} as {scheme}", tensor.name));
                let expected = stage(&tensor.name);
                assert!(message.starts_with(expected), "{taint} in {} as {scheme}: {message}", tensor.name);
                assert!(message.contains("a NaN or an infinity: the weights are damaged"), "{message}");
                *refused.entry(expected).or_default() += 1;
            }
        }
    }
    println!("{scheme}: {refused:?}");
    assert_eq!(refused.len(), 3, "{refused:?}");
}

#[test]
fn a_taint_in_any_float32_tensor_is_refused() {
    every_tensor(
        Scheme::F32,
        &ENGINES,
        |number, _| if all() { vec![f32::NAN, f32::INFINITY] } else { in_turn(number) },
    );
}

#[test]
fn a_taint_in_any_float16_matrix_is_refused() {
    every_tensor(Scheme::F16, &ENGINES, in_matrices);
}

#[test]
fn a_taint_in_the_scales_of_any_8_bit_matrix_is_refused() {
    every_tensor(Scheme::Q8, &ENGINES, in_matrices);
}

#[test]
fn a_taint_in_the_scales_of_any_4_bit_matrix_is_refused() {
    every_tensor(Scheme::Q4, &ENGINES, in_matrices);
}

#[test]
fn the_kernels_of_hardware_hide_no_taint() {
    let with_kernels_of_hardware: OpenLoader = |model| open_gpu_loader_tuned(model, Tuning::HARDWARE);
    every_tensor(Scheme::Q4, &[with_kernels_of_hardware], |number, tensor| {
        match tensor.name.starts_with("lang_encoder") {
            true => in_turn(number + 1),
            false => in_matrices(number, tensor),
        }
    });
}

/// Whether every taint is tried in every place: minutes instead of one.
fn all() -> bool {
    std::env::var_os("AF2_ALL_TAINTS").is_some()
}

fn in_turn(number: usize) -> Vec<f32> {
    vec![if number.is_multiple_of(2) { f32::NAN } else { f32::INFINITY }]
}

/// In every third matrix, or all: what is no matrix is float32 in every scheme.
fn in_matrices(number: usize, tensor: &TensorUse) -> Vec<f32> {
    let wanted = tensor.storage == Storage::Matrix && (all() || number.is_multiple_of(3));
    if wanted { in_turn(number) } else { Vec::new() }
}

/// The one tensor that may hold a taint out of reach: rows of an embedding that is not the head, of tokens that nobody uses.
#[test]
fn a_taint_in_an_unused_row_changes_nothing() {
    let files = small(Scheme::F32, false);
    let (_, stored) =
        tensors(&files).into_iter().find(|(tensor, _)| tensor.name.ends_with("embed_tokens.weight")).unwrap();
    for open in ENGINES {
        let clean = answer(&files, open).unwrap();
        let at_row = |row: usize| answer(&tainted(&files, &stored, row * stored.cols, f32::NAN), open);
        assert_eq!(at_row(50), Ok(clean), "row 50 is in neither prompt nor answer");
        at_row(2).expect_err("row 2 is in the prompt");
    }
}
