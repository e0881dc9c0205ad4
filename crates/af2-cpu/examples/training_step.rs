//! `training_step MODEL [RECORDINGS QUESTIONS TOKENS STEPS]`: seconds of a training step's forward and backward pass.
//!
//! Encoder tokens and texts follow a formula that any language can repeat: see `lesson`.

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

use af2_core::sampling::uniform;
use af2_cpu::{Backend, Lesson, Model, ModelLoader};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let directory = arguments.first().ok_or("the directory of a converted model is missing")?;
    let number = |at: usize, usual: usize| arguments.get(at).map_or(Ok(usual), |text| text.parse());
    let (recordings, questions, length, steps) = (number(1, 12)?, number(2, 6)?, number(3, 20)?, number(4, 5)?);
    let model = load(Path::new(directory))?;
    let lessons: Vec<Lesson> = (0..recordings).map(|recording| lesson(&model, recording, questions, length)).collect();
    for _ in 0..steps {
        let start = Instant::now();
        let step = model.training_step(&lessons)?;
        let norm = step.embedding_gradient.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        println!("loss {:.6}, embedding gradient {norm:.6}, {:.3} s", step.loss, start.elapsed().as_secs_f64());
    }
    Ok(())
}

/// One window: value i is 2·uniform(recording, i) − 1, token i of question k is (131·k + 37·i + 11) modulo the vocabulary.
fn lesson(model: &Model, recording: usize, questions: usize, length: usize) -> Lesson {
    let (values, vocab) = (64 * model.config().audio_transformer.d_model, model.config().text.vocab_size);
    let value = |i: usize| 2.0 * uniform(recording as u64, i as u32) - 1.0;
    let text = |k: usize| (0..length).map(|i| ((131 * k + 37 * i + 11) % vocab) as u32).collect();
    Lesson { tokens: (0..values).map(value).collect(), texts: (0..questions).map(text).collect() }
}

fn load(directory: &Path) -> Result<Model, Box<dyn Error>> {
    let read = |name: &str| fs::read(directory.join(name)).map_err(|error| format!("{name}: {error}"));
    let (config, tokenizer, index) =
        (read("config.json")?, read("tokenizer.json")?, read("model.safetensors.index.json")?);
    let mut loader = ModelLoader::new(Backend::CpuWithGradients, &config, &tokenizer, &index)?;
    for (name, _) in loader.shards() {
        loader.push(&name, &read(&name)?)?;
        loader.finish_shard(&name)?;
    }
    Ok(loader.finish()?)
}
