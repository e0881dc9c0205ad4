//! Both engines behind the same two traits; errors become their texts.

use std::collections::HashMap;
use std::sync::OnceLock;

use af2_cli::model::{drive, open_gpu};
use af2_core::audio::Windows;
use af2_core::engine::{GenerateOptions, Generation};
use af2_cpu::Backend;
use af2_gpu::{Gpu, Tuning};
use af2_tests::random_model::RandomModel;
use pollster::block_on;

/// A model being loaded.
pub trait Loader {
    fn push(&mut self, shard: &str, bytes: &[u8]) -> Result<(), String>;
    fn finish_shard(&mut self, shard: &str) -> Result<(), String>;
    fn restart_shard(&mut self, shard: &str);
    fn finish(self: Box<Self>) -> Result<Box<dyn Loaded>, String>;
}

/// A loaded model and the audio that it encoded last.
pub trait Loaded {
    fn listen(&mut self, windows: &Windows, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<(), String>;
    fn generate(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation, String>;
    fn search(&mut self, prompt: &[u32], beams: usize, tokens: usize) -> Result<Vec<u32>, String>;
    fn trace(&mut self, windows: &Windows, prompt: &[u32]) -> Result<(), String>;
}

struct OnGpu {
    model: af2_model::Model,
    clip: Option<af2_model::Clip>,
}

struct OnCpu {
    model: af2_cpu::Model,
    clip: Option<af2_cpu::Clip>,
}

/// Opens a loader of an engine.
pub type OpenLoader = fn(&RandomModel) -> Result<Box<dyn Loader>, String>;

/// The GPU engine, and the CPU engine.
pub const ENGINES: [OpenLoader; 2] = [open_gpu_loader, open_cpu_loader];

fn gpu() -> &'static Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| open_gpu(None).expect("an adapter"))
}

fn on_gpu<T, E: ToString>(work: impl Future<Output = Result<T, E>>) -> Result<T, String> {
    drive(gpu(), work).expect("a device").map_err(|error| error.to_string())
}

fn text<T, E: ToString>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn open_gpu_loader(model: &RandomModel) -> Result<Box<dyn Loader>, String> {
    let loader = af2_model::ModelLoader::new(gpu(), &model.config_json, &model.tokenizer_json, &model.index_json);
    Ok(Box::new(on_gpu(loader)?))
}

/// With the kernels of another tuning.
pub fn open_gpu_loader_tuned(model: &RandomModel, tuning: Tuning) -> Result<Box<dyn Loader>, String> {
    let gpu = gpu().tuned(tuning);
    let loader = af2_model::ModelLoader::new(&gpu, &model.config_json, &model.tokenizer_json, &model.index_json);
    Ok(Box::new(on_gpu(loader)?))
}

fn open_cpu_loader(model: &RandomModel) -> Result<Box<dyn Loader>, String> {
    let (config, tokenizer, index) = (&model.config_json, &model.tokenizer_json, &model.index_json);
    Ok(Box::new(text(af2_cpu::ModelLoader::new(Backend::Cpu, config, tokenizer, index))?))
}

impl Loader for af2_model::ModelLoader {
    fn push(&mut self, shard: &str, bytes: &[u8]) -> Result<(), String> {
        text(self.push(shard, bytes))
    }

    fn finish_shard(&mut self, shard: &str) -> Result<(), String> {
        text(self.finish_shard(shard))
    }

    fn restart_shard(&mut self, shard: &str) {
        self.restart_shard(shard);
    }

    fn finish(self: Box<Self>) -> Result<Box<dyn Loaded>, String> {
        Ok(Box::new(OnGpu { model: on_gpu((*self).finish())?, clip: None }))
    }
}

impl Loader for af2_cpu::ModelLoader {
    fn push(&mut self, shard: &str, bytes: &[u8]) -> Result<(), String> {
        text(self.push(shard, bytes))
    }

    fn finish_shard(&mut self, shard: &str) -> Result<(), String> {
        text(self.finish_shard(shard))
    }

    fn restart_shard(&mut self, shard: &str) {
        self.restart_shard(shard);
    }

    fn finish(self: Box<Self>) -> Result<Box<dyn Loaded>, String> {
        Ok(Box::new(OnCpu { model: text((*self).finish())?, clip: None }))
    }
}

impl Loaded for OnGpu {
    fn listen(&mut self, windows: &Windows, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<(), String> {
        self.clip = Some(on_gpu(self.model.listen(windows, progress))?);
        Ok(())
    }

    fn generate(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation, String> {
        on_gpu(self.clip.as_mut().expect("audio").generate(prompt, options, on_token))
    }

    fn search(&mut self, prompt: &[u32], beams: usize, tokens: usize) -> Result<Vec<u32>, String> {
        on_gpu(self.clip.as_mut().expect("audio").beam_search(prompt, beams, tokens, &mut |_| true))
    }

    fn trace(&mut self, windows: &Windows, prompt: &[u32]) -> Result<(), String> {
        on_gpu(self.model.trace(windows, prompt, 2, &HashMap::new())).map(drop)
    }
}

impl Loaded for OnCpu {
    fn listen(&mut self, windows: &Windows, progress: &mut dyn FnMut(usize, usize) -> bool) -> Result<(), String> {
        self.clip = Some(text(self.model.listen(windows, progress))?);
        Ok(())
    }

    fn generate(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        on_token: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Generation, String> {
        text(block_on(self.clip.as_ref().expect("audio").generate(prompt, options, on_token)))
    }

    fn search(&mut self, prompt: &[u32], beams: usize, tokens: usize) -> Result<Vec<u32>, String> {
        text(block_on(self.clip.as_ref().expect("audio").beam_search(prompt, beams, tokens, &mut |_| true)))
    }

    fn trace(&mut self, windows: &Windows, prompt: &[u32]) -> Result<(), String> {
        text(block_on(self.model.trace(windows, prompt, 2, &HashMap::new()))).map(drop)
    }
}
