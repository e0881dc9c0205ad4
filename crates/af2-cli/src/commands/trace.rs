//! `af2 trace MODEL AUDIO QUESTION --out FILE`: every intermediate of one question, as safetensors.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use af2_core::audio::{Windows, from_codes};
use af2_core::config::AudioConfig;
use af2_core::engine::Trace;
use af2_core::text::prompt::{PROMPT_LIMIT, PromptIds, prompt};
use af2_core::weights::safetensors::{Dtype, Header, PREFIX_BYTES, TensorSpec, header_bytes, write_header};
use anyhow::{Context, Result, bail};
use clap::Args;

use super::options::{AudioOptions, EngineOptions};
use crate::model::EngineChoice;
use crate::open_file::{open_input, open_output, read_whole};

/// Most bytes of a file of codes: nine hours.
const LONGEST_CODES: u64 = 1 << 30;

/// Arguments of `af2 trace`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of a converted model.
    model: PathBuf,
    /// An audio file; not read when --codes is given.
    audio: PathBuf,
    /// The question.
    question: String,
    /// The safetensors file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Take the 16-bit codes from tensor `pcm_i16` of this safetensors file instead of decoding the audio.
    #[arg(long, value_name = "FILE")]
    codes: Option<PathBuf>,
    /// Most tokens to generate, greedily.
    #[arg(long, value_name = "N", default_value_t = 24)]
    max_new_tokens: usize,
    #[command(flatten)]
    windows: AudioOptions,
    #[command(flatten)]
    engine: EngineOptions,
}

/// Traces and writes the file.
pub fn run(arguments: Arguments) -> Result<()> {
    let engine = arguments.engine.load(&arguments.model, Some(EngineChoice::Gpu))?;
    let config = &engine.config().audio;
    let windows = match &arguments.codes {
        Some(file) => windows_of_codes(config, file, arguments.windows.max_windows)?,
        None => arguments.windows.load(config, &arguments.audio, 0.0)?.windows,
    };
    let prompt = PromptIds::encode(engine.tokenizer(), &prompt(&arguments.question), PROMPT_LIMIT)?.ids;
    let trace = engine.trace(&windows, &prompt, arguments.max_new_tokens)?;
    write(&arguments.out, &trace, &prompt).with_context(|| format!("cannot write {}", arguments.out.display()))
}

fn windows_of_codes(config: &AudioConfig, file: &Path, max_windows: Option<usize>) -> Result<Windows> {
    let bytes = open_input(file).and_then(|codes| read_whole(codes, LONGEST_CODES));
    let bytes = bytes.with_context(|| format!("cannot read {}", file.display()))?;
    let codes = codes(&bytes).with_context(|| file.display().to_string())?;
    Ok(from_codes(&codes, config, max_windows.unwrap_or(config.max_num_window))?)
}

fn codes(bytes: &[u8]) -> Result<Vec<i16>> {
    let prefix = bytes.first_chunk().context("shorter than a safetensors file can be")?;
    let header = header_bytes(*prefix, bytes.len() as u64)?;
    let begin = PREFIX_BYTES as usize;
    let header = Header::parse(&bytes[begin..begin + header], bytes.len() as u64)?;
    let entry = header.tensors.get("pcm_i16").context("holds no tensor `pcm_i16`")?;
    if entry.dtype != Dtype::I16 {
        bail!("tensor `pcm_i16` is {:?}, expected I16", entry.dtype);
    }
    let data = &bytes[entry.begin as usize..entry.end as usize];
    Ok(data.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
}

fn write(path: &Path, trace: &Trace, prompt: &[u32]) -> Result<()> {
    let ids = |ids: &[u32]| -> Vec<u8> { ids.iter().flat_map(|id| i64::from(*id).to_le_bytes()).collect() };
    let floats = |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|value| value.to_le_bytes()).collect() };
    let steps: Vec<f32> = trace.step_logits.iter().flatten().copied().collect();
    let vocab = trace.step_logits.first().map_or(0, Vec::len);
    let mut tensors: Vec<(TensorSpec, Vec<u8>)> = trace
        .tensors
        .iter()
        .map(|tensor| (spec(&tensor.name, Dtype::F32, &tensor.shape), floats(&tensor.values)))
        .collect();
    tensors.push((spec("prompt_ids", Dtype::I64, &[prompt.len()]), ids(prompt)));
    tensors.push((spec("new_ids", Dtype::I64, &[trace.new_ids.len()]), ids(&trace.new_ids)));
    tensors.push((spec("step_logits", Dtype::F32, &[trace.step_logits.len(), vocab]), floats(&steps)));

    let specs: Vec<TensorSpec> = tensors.iter().map(|(spec, _)| spec.clone()).collect();
    let mut file = BufWriter::new(open_output(path, OpenOptions::new().create(true).truncate(true))?);
    file.write_all(&write_header(&specs, &BTreeMap::new())?)?;
    for (_, data) in &tensors {
        file.write_all(data)?;
    }
    Ok(file.flush()?)
}

fn spec(name: &str, dtype: Dtype, shape: &[usize]) -> TensorSpec {
    TensorSpec { name: name.into(), dtype, shape: shape.into() }
}
