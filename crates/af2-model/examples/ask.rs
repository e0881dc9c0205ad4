//! A question about an audio file, on this machine's GPU:
//! `cargo run -p af2-model --example ask -- weights/demo/model weights/demo/sounds/dog.ogg "what is this sound?"`

use std::error::Error;
use std::task::{Context, Poll, Waker};
use std::thread::sleep;
use std::time::Duration;
use std::{env, fs, path::Path, pin::pin};

use af2_core::audio::load_file;
use af2_core::text::prompt::{PROMPT_LIMIT, PromptIds, prompt};
use af2_gpu::{Gpu, GpuOptions};
use af2_model::{GenerateOptions, ModelLoader};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [model, audio, question] = arguments.as_slice() else { return Err("usage: ask MODEL AUDIO QUESTION".into()) };
    let gpu = pollster::block_on(Gpu::open(&GpuOptions::default()))?;
    drive(&gpu, ask(&gpu, Path::new(model), Path::new(audio), question))
}

async fn ask(gpu: &Gpu, dir: &Path, audio: &Path, question: &str) -> Result<(), Box<dyn Error>> {
    let file = |name: &str| fs::read(dir.join(name));
    let (config, tokenizer) = (file("config.json")?, file("tokenizer.json")?);
    let mut loader = ModelLoader::new(gpu, &config, &tokenizer, &file("model.safetensors.index.json")?).await?;
    for (shard, _) in loader.shards() {
        loader.push(&shard, &file(&shard)?)?;
        loader.finish_shard(&shard)?;
    }
    let model = loader.finish().await?;

    let config = &model.config().audio;
    let name = audio.display().to_string();
    let windows = load_file(fs::read(audio)?, &name, config, config.max_num_window)?.windows;
    let mut clip = model.listen(&windows, &mut |_, _| true).await?;

    let ids = PromptIds::encode(model.tokenizer(), &prompt(question), PROMPT_LIMIT)?.ids;
    let answer = clip.generate(&ids, &GenerateOptions::default(), &mut |_| true).await?;
    println!("{}", model.tokenizer().decode(&answer.ids, false)?);
    Ok(())
}

/// Runs a future that waits for nothing but the GPU.
fn drive<T>(gpu: &Gpu, future: impl Future<Output = Result<T, Box<dyn Error>>>) -> Result<T, Box<dyn Error>> {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
        gpu.wait(|| sleep(Duration::from_micros(100)))?;
    }
}
