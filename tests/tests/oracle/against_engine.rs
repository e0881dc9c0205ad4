//! The GPU engine compared with the CPU engine on random small models, tap by tap.
//!
//! Every stage of the GPU engine starts from the CPU engine's result of the stage before, so the first tap that differs shows the fault.

use std::collections::HashMap;

use af2_cli::model::{drive, open_gpu};
use af2_core::audio::{Windows, from_codes};
use af2_core::engine::Trace;
use af2_core::weights::Scheme;
use af2_cpu::Backend;
use af2_gpu::Gpu;
use af2_tests::compare::{largest_difference, tensor};
use af2_tests::random_model::{Dice, RandomModel};

use pollster::block_on;

/// Models compared.
const MODELS: u64 = 10;
/// Tokens generated.
const NEW_TOKENS: usize = 6;

#[test]
fn every_tap_on_random_models() {
    let gpu = open_gpu(None).unwrap();
    for seed in 0..MODELS {
        let model = RandomModel::new(seed);
        println!("seed {seed} {:?} {:?}", model.scheme, model.config);
        let mut dice = Dice::new(!seed);
        let (windows, prompt) = (random_sound(&model, &mut dice), random_prompt(&model, &mut dice));
        println!("    {} windows, {} prompt tokens", windows.count, prompt.len());
        let reference = reference(&model, Backend::CpuInFloat32);
        let expected = block_on(reference.trace(&windows, &prompt, NEW_TOKENS, &HashMap::new())).unwrap();
        check(&engine(&gpu, &model, &windows, &prompt, &expected), &expected, model.scheme);
    }
}

/// The CPU engine, in the arithmetic that answers are given in, or that of the oracle.
pub(crate) fn reference(model: &RandomModel, backend: Backend) -> af2_cpu::Model {
    let (config, tokenizer, index) = (&model.config_json, &model.tokenizer_json, &model.index_json);
    let mut loader = af2_cpu::ModelLoader::new(backend, config, tokenizer, index).unwrap();
    for (name, _) in loader.shards() {
        loader.push(&name, &model.shard).unwrap();
        loader.finish_shard(&name).unwrap();
    }
    loader.finish().unwrap()
}

pub(crate) fn on_gpu(gpu: &Gpu, model: &RandomModel) -> af2_model::Model {
    let (config, tokenizer, index) = (&model.config_json, &model.tokenizer_json, &model.index_json);
    let mut loader = drive(gpu, af2_model::ModelLoader::new(gpu, config, tokenizer, index)).unwrap().unwrap();
    for (name, _) in loader.shards() {
        loader.push(&name, &model.shard).unwrap();
        loader.finish_shard(&name).unwrap();
    }
    drive(gpu, loader.finish()).unwrap().unwrap()
}

/// The GPU engine's trace, in which every stage starts from the CPU engine's results.
fn engine(gpu: &Gpu, model: &RandomModel, windows: &Windows, prompt: &[u32], given: &Trace) -> Trace {
    let loaded = on_gpu(gpu, model);
    let replace = given.tensors.iter().map(|tensor| (tensor.name.clone(), tensor.values.clone())).collect();
    drive(gpu, loaded.trace(windows, prompt, NEW_TOKENS, &replace)).unwrap().unwrap()
}

fn check(found: &Trace, expected: &Trace, scheme: Scheme) {
    let names = |trace: &Trace| trace.tensors.iter().map(|tensor| tensor.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "the taps");
    for expected in &expected.tensors {
        let found = tensor(found, &expected.name);
        assert_eq!(found.shape, expected.shape, "{}: shape", expected.name);
        let peak = expected.values.iter().fold(1.0_f32, |peak, value| peak.max(value.abs()));
        let (difference, at) = largest_difference(&found.values, &expected.values);
        println!("    {:<26} {difference:.1e} of {peak:.1}", expected.name);
        let limit = limit(&expected.name, scheme) * peak;
        assert!(difference <= limit, "{}: differs by {difference:e} at {at}, limit {limit:e}", expected.name);
    }
    check_steps(found, expected);
}

/// Allowed difference in units of the largest value.
fn limit(name: &str, scheme: Scheme) -> f32 {
    match name {
        "logmel" => 2e-3, // float32 against float64 below the loudest bins
        "image" => 1e-5,
        // The GPU engine stores audio keys and values in float16 where the matrix that makes them is not exact.
        name if name.ends_with("_attn_raw") && scheme != Scheme::F32 => 3e-4,
        _ => 3e-5,
    }
}

/// Logits of whole runs, and the tokens up to the first near-tie.
fn check_steps(found: &Trace, expected: &Trace) {
    for (step, (a, b)) in found.step_logits.iter().zip(&expected.step_logits).enumerate() {
        let (difference, _) = largest_difference(a, b);
        println!("    step {step}: logits {difference:.1e}");
        assert!(difference <= 5e-3, "step {step}: logits differ by {difference:e}");
        if found.new_ids[step] != expected.new_ids[step] {
            let margin = b[expected.new_ids[step] as usize] - b[found.new_ids[step] as usize];
            assert!(margin <= 1e-2, "step {step}: the engine chose a token {margin} below the best");
            return;
        }
    }
    assert_eq!(found.new_ids, expected.new_ids);
}

/// One to three windows of chords over noise.
pub(crate) fn random_sound(model: &RandomModel, dice: &mut Dice) -> Windows {
    let audio = &model.config.audio;
    let seconds = audio.window_length * (0.4 + dice.below(3) as f64);
    let tones: Vec<f64> = (0..3).map(|_| 80.0 + 20.0 * dice.below(200) as f64).collect();
    let sample = |n: usize| {
        let time = n as f64 / f64::from(audio.sample_rate);
        let chord: f64 = tones.iter().map(|hertz| (std::f64::consts::TAU * hertz * time).sin()).sum();
        let noise = f64::from(af2_core::sampling::uniform(7, n as u32)) - 0.5;
        (6000.0 * chord + 4000.0 * noise) as i16
    };
    let codes: Vec<i16> = (0..(seconds * f64::from(audio.sample_rate)) as usize).map(sample).collect();
    from_codes(&codes, audio, audio.max_num_window).unwrap()
}

pub(crate) fn random_prompt(model: &RandomModel, dice: &mut Dice) -> Vec<u32> {
    let length = 1 + dice.below(80);
    (0..length).map(|_| dice.below(model.config.text.vocab_size) as u32).collect()
}
