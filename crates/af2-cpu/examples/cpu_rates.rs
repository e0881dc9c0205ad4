//! `cpu_rates MODEL [TOKENS]`: seconds of one window, of a prompt and of one token on the CPU, and the peak memory of the process, in JSON.

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
    let (window, prompt, token) = (found.encode, found.prompt, found.token);
    let peak = peak_bytes().map_or("null".to_owned(), |bytes| bytes.to_string());
    println!("{{\"window\":{window:.4},\"prompt\":{prompt:.4},\"token\":{token:.5},\"peak_bytes\":{peak}}}");
    Ok(())
}

/// The most memory that this process has had, where the system tells.
fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?;
    Some(kilobytes.parse::<u64>().ok()? * 1024)
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
