//! `cpu_rates MODEL [TOKENS]`: seconds of one window, of a prompt and of one token on the CPU.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use af2_core::audio::from_codes;
use af2_cpu::{Backend, Model, ModelLoader};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let directory = arguments.first().ok_or("the directory of a converted model is missing")?;
    let tokens = arguments.get(1).map_or(Ok(20), |text| text.parse())?;
    let model = load(Path::new(directory))?;
    let codes: Vec<i16> = (0..160_000_i64).map(|n| (n * n % 20_011 - 10_005) as i16).collect();
    let windows = from_codes(&codes, &model.config().audio, 1)?;
    let prompt: Vec<u32> = (0..16).map(|i| i * 7 % model.config().text.vocab_size as u32).collect();
    let start = Instant::now();
    let now = || start.elapsed().as_secs_f64();
    let found = pollster::block_on(model.measure(&windows, &prompt, tokens, &now))?;
    println!("{:.4} s a window, {:.4} s a prompt, {:.5} s a token", found.encode, found.prompt, found.token);
    Ok(())
}

fn load(directory: &Path) -> Result<Model, Box<dyn Error>> {
    let read = |name: &str| fs::read(directory.join(name)).map_err(|error| format!("{name}: {error}"));
    let (config, tokenizer, index) =
        (read("config.json")?, read("tokenizer.json")?, read("model.safetensors.index.json")?);
    let mut loader = ModelLoader::new(Backend::Cpu, &config, &tokenizer, &index)?;
    let mut chunk = vec![0; 1 << 20];
    for (name, _) in loader.shards() {
        let mut shard = File::open(directory.join(&name))?;
        loop {
            let bytes = shard.read(&mut chunk)?;
            if bytes == 0 {
                break;
            }
            loader.push(&name, &chunk[..bytes])?;
        }
        loader.finish_shard(&name)?;
    }
    Ok(loader.finish()?)
}
