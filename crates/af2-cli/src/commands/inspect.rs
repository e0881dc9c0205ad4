//! `af2 inspect MODEL`: parts, parameters, bytes, schemes, and what one decoded token reads.

use std::collections::HashMap;
use std::path::PathBuf;

use af2_core::weights::Scheme;
use af2_core::weights::summary::{ModelSummary, PartSummary};
use af2_core::weights::tensor_table::TensorUse;
use af2_gpu::DeviceProfile;
use af2_model::{audio_bytes_per_window, dispatches_per_token, token_matrices};
use clap::Args;
use serde::Serialize;

use crate::bench::device_counts::DeviceCounts;
use crate::bench::roofline::{Device, Roofline, Work};
use crate::model::{ModelDir, ModelFiles};
use crate::terminal::{note, print};

/// Arguments of `af2 inspect`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of a converted model.
    model: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Also read all weights and compare their SHA-256 with the index.
    #[arg(long)]
    verify: bool,
    /// First accept config.json, generation_config.json and tokenizer.json as they are: write their SHA-256 to the index.
    #[arg(long)]
    update_hashes: bool,
    /// Also predict the least times on a device that reads and multiplies this fast, for example 400,8000.
    #[arg(long, value_name = "GB/S,GFLOP/S")]
    roofline: Option<Device>,
    /// Also count what each matrix puts to work on a GPU that need not be here: idle threads, workgroups, bytes in flight.
    #[arg(long, value_name = "GPU", value_parser = profile)]
    device: Option<DeviceProfile>,
}

fn profile(name: &str) -> Result<DeviceProfile, String> {
    let names = DeviceProfile::ALL.map(|profile| profile.name).join(", ");
    DeviceProfile::named(name).ok_or_else(|| format!("the figures of '{name}' are not known; those of {names} are"))
}

/// Sequences decoded together that bytes are printed for.
const ROWS: [u64; 4] = [1, 2, 4, 8];

/// What a sequence's share of a step takes where several are decoded together: beams, options, or questions about one clip.
#[derive(Serialize)]
struct Row {
    /// Sequences, each a row of every matmul.
    rows: u64,
    /// Weight bytes of a token of one of them: every matrix is read once for all.
    bytes_per_token: u64,
}

/// What is printed.
#[derive(Serialize)]
struct Report<'a> {
    name: &'a str,
    shards: usize,
    /// With one window of audio, with more.
    dispatches_per_token: [usize; 2],
    /// Keys and values of the audio: stored, and read by every token.
    audio_bytes_per_window: u64,
    #[serde(flatten)]
    weights: ModelSummary,
    together: [Row; 4],
    work: Work,
    #[serde(skip_serializing_if = "Option::is_none")]
    roofline: Option<Roofline>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<DeviceCounts>,
    /// What could not be verified.
    notices: Vec<String>,
}

/// Prints a table, or JSON.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    if arguments.update_hashes {
        ModelFiles::update_hashes(&arguments.model)?;
    }
    let model = ModelDir::open(&arguments.model)?;
    let notices: Vec<String> = model.index.notice().into_iter().collect();
    notices.iter().for_each(note);
    if arguments.verify {
        model.verify()?;
    }
    let weights = ModelSummary::new(&model.tensors);
    let audio_bytes_per_window = audio_bytes_per_window(&model.config, &model.tensors);
    let predict = |device| Roofline::predict(&model.config, weights.bytes_per_token, audio_bytes_per_window, device);
    let stored: HashMap<&str, Scheme> =
        model.tensors.iter().map(|(tensor, stored)| (tensor.name.as_str(), stored.scheme)).collect();
    let scheme = |tensor: &TensorUse| stored.get(tensor.name.as_str()).copied().unwrap_or(Scheme::F32);
    let report = Report {
        name: &model.config.name,
        shards: model.index.shards.len(),
        dispatches_per_token: dispatches_per_token(&model.config),
        audio_bytes_per_window,
        together: ROWS.map(|rows| Row { rows, bytes_per_token: weights.bytes_per_token / rows }),
        work: Work::of(&model.config),
        roofline: arguments.roofline.map(predict),
        device: arguments.device.map(|device| DeviceCounts::of(&device, &token_matrices(&model.config, scheme))),
        weights,
        notices,
    };
    let text = if arguments.json { serde_json::to_string_pretty(&report)? + "\n" } else { table(&report) };
    Ok(print(text)?)
}

fn table(report: &Report<'_>) -> String {
    let mut text = format!("{}\n\n{}\n", report.name, row("part", "parameters", "bytes", "stored as"));
    for part in &report.weights.parts {
        let (parameters, bytes) = (part.parameters.to_string(), part.bytes.to_string());
        text += &format!("{}\n", row(&part.part.to_string(), &parameters, &bytes, &mix(part)));
    }
    let (parameters, bytes) = (report.weights.parameters.to_string(), report.weights.bytes.to_string());
    text += &format!("{}\n\n", row("total", &parameters, &bytes, &format!("{} shards", report.shards)));
    text += &format!("weight bytes read per decoded token: {}\n", report.weights.bytes_per_token);
    let shares: Vec<String> = report.together[1..]
        .iter()
        .map(|Row { rows, bytes_per_token }| format!("{bytes_per_token} with {rows}"))
        .collect();
    text += &format!("  of each sequence decoded together with others: {}\n", shares.join(", "));
    text += &format!(
        "audio KV, stored and read by every token: {} bytes per window of audio\n",
        report.audio_bytes_per_window
    );
    text += &format!(
        "dispatches per decoded token: {} with one window of audio, {} with more, and one more for each matrix cut in two by a device that binds less at once, or whose columns are split\n",
        report.dispatches_per_token[0], report.dispatches_per_token[1]
    );
    let giga = |macs: u64| macs as f64 / 1e9;
    text += &format!(
        "multiply-accumulates: {:.3} G to encode a window, {:.4} G per prompt token, {:.4} G per decoded token\n",
        giga(report.work.encoder_macs),
        giga(report.work.prompt_token_macs),
        giga(report.work.token_macs)
    );
    text += &report.roofline.as_ref().map_or(String::new(), prediction);
    text + &report.device.as_ref().map_or(String::new(), DeviceCounts::table)
}

fn prediction(roofline: &Roofline) -> String {
    format!(
        "at best on such a device: {:.4} s to encode a window, {:.4} s of audio KV for 1 and {:.4} s for 30 windows,\n  {:.4} s for a prompt of 40 tokens, {:.1} tokens/s with 1 and {:.1} with 30 windows\n",
        roofline.encode_seconds,
        roofline.audio_kv_seconds[0],
        roofline.audio_kv_seconds[1],
        roofline.prompt_seconds,
        roofline.tokens_per_second[0],
        roofline.tokens_per_second[1]
    )
}

fn row(part: &str, parameters: &str, bytes: &str, schemes: &str) -> String {
    format!("{part:<18}{parameters:>14}{bytes:>16}   {schemes}")
}

/// `q8 97 %, f32 3 %`, by bytes, largest first.
fn mix(part: &PartSummary) -> String {
    let mut schemes: Vec<_> = part.schemes.iter().collect();
    schemes.sort_by_key(|&(_, bytes)| std::cmp::Reverse(bytes));
    let share = |bytes: u64| 100.0 * bytes as f64 / part.bytes as f64;
    schemes.iter().map(|&(name, &bytes)| format!("{name} {:.1} %", share(bytes))).collect::<Vec<_>>().join(", ")
}
