//! `af2 bench MODEL`: the time of each part on this machine, beside the device's limits.

use std::path::PathBuf;
use std::time::Instant;

use af2_gpu::{InvalidTuning, Tuning};
use anyhow::{Result, ensure};
use clap::Args;
use serde::Serialize;

use super::options::AdapterOption;
use crate::bench::baseline::Comparison;
use crate::bench::kernels::Kernel;
use crate::bench::{Beams, Report, Workload, measure};
use crate::model::{Baseline, Session, open_gpu, tuned};
use crate::terminal::print;

/// Arguments of `af2 bench`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of a converted model.
    model: PathBuf,
    /// Windows of 10 s that the answer attends to.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [1, 12, 30])]
    windows: Vec<usize>,
    /// Tokens of the prompt.
    #[arg(long, value_name = "N", default_value_t = 40)]
    prompt_tokens: usize,
    /// Tokens of the answer.
    #[arg(long, value_name = "N", default_value_t = 32)]
    tokens: usize,
    /// The kernels of a hardware GPU, of a software adapter, or as `af2 tune --json` names them ("wide staged 8 64 64"; matmuls: tiled, wide, half, int8, cooperative, block), whatever the adapter is.
    #[arg(long, value_name = "hardware|software|NAMES", value_parser = tuning_of)]
    kernels: Option<Tuning>,
    /// Measure a baseline as well, in the first of the contexts.
    #[arg(long, value_enum, value_name = "BASELINE")]
    baseline: Option<Baseline>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    adapter: AdapterOption,
}

fn tuning_of(text: &str) -> Result<Tuning, InvalidTuning> {
    match text {
        "hardware" => Ok(Tuning::HARDWARE),
        "software" => Ok(Tuning::SOFTWARE),
        names => names.parse(),
    }
}

/// What is printed.
#[derive(Serialize)]
struct Output<'a> {
    adapter: &'a str,
    driver: &'a str,
    kernels: String,
    model: &'a str,
    load_seconds: f64,
    gpu_bytes: u64,
    gpu_peak_bytes: u64,
    process_peak_bytes: Option<u64>,
    #[serde(flatten)]
    report: Report,
}

/// Measures and prints.
pub fn run(arguments: Arguments) -> Result<()> {
    ensure!(arguments.tokens >= 2, "--tokens must be at least 2: the first one counts as the prompt's");
    ensure!(arguments.prompt_tokens > 0, "--prompt-tokens must be at least 1");
    ensure!(arguments.windows.iter().all(|windows| (1..=1000).contains(windows)), "--windows takes 1 to 1000");
    arguments.baseline.map_or(Ok(()), Baseline::check)?;
    let gpu = open_gpu(arguments.adapter.name())?;
    let gpu = match arguments.kernels {
        Some(tuning) => gpu.tuned(tuning),
        None => tuned(gpu, &arguments.model),
    };
    let start = Instant::now();
    let session = Session::load_on(gpu, &arguments.model)?;
    let load_seconds = start.elapsed().as_secs_f64();
    let workload =
        Workload { contexts: arguments.windows, prompt_tokens: arguments.prompt_tokens, tokens: arguments.tokens };
    let gpu_bytes = session.gpu.memory().bytes();
    let mut report = measure(&session.gpu, &session.model, &workload)?;
    if let Some(baseline) = arguments.baseline {
        let config = session.model.config();
        report.baseline = Some(Comparison::measure(baseline, &arguments.model, config, &workload, &report)?);
    }
    let info = session.gpu.info();
    let output = Output {
        adapter: &info.name,
        driver: &info.driver,
        kernels: session.gpu.tuning().to_string(),
        model: &session.model.config().name,
        load_seconds,
        gpu_bytes,
        gpu_peak_bytes: session.gpu.memory().peak_bytes(),
        process_peak_bytes: process_peak_bytes(),
        report,
    };
    let text = if arguments.json { serde_json::to_string(&output)? + "\n" } else { table(&output) };
    Ok(print(text)?)
}

/// The process's peak memory in bytes, where the system tells. On software adapters it includes the GPU's buffers.
fn process_peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? << 10)
}

fn table(output: &Output<'_>) -> String {
    let Report { rates, encode, contexts, token, beams, encoder_kernels, token_kernels, baseline } = &output.report;
    let mut text = format!("{} on {} ({})\n", output.model, output.adapter, output.driver);
    text += &format!(
        "loaded in {:.2} s; {:.1} MB on the GPU, {:.1} MB at most{}\n",
        output.load_seconds,
        mega(output.gpu_bytes),
        mega(output.gpu_peak_bytes),
        output.process_peak_bytes.map_or(String::new(), |bytes| format!("; {:.1} MB peak of the process", mega(bytes)))
    );
    text += &format!("kernels: {}\n", output.kernels);
    text += &format!(
        "device: copies {:.2} GB/s, multiplies {:.2} GFLOP/s\n\n",
        rates.copy_bytes_per_second / 1e9,
        rates.matmul_flops_per_second / 1e9
    );
    text += &format!(
        "encode a window   {:>9.3} s   {:.1} x real time, {:.3} GFLOP in {} dispatches, {:.0} % of matmul rate\n",
        encode.seconds,
        encode.times_real_time,
        encode.flops as f64 / 1e9,
        encode.dispatches,
        100.0 * encode.of_matmul
    );
    text += &format!(
        "one token         {} dispatches with one window of audio, {} with more, {:.2} µs of the CPU to record one; {:.1} MB of weights and {:.2} MB per window of audio\n\n",
        token.dispatches[0],
        token.dispatches[1],
        token.record_microseconds,
        mega(token.weight_bytes),
        mega(token.audio_bytes_per_window)
    );
    text += "windows   audio KV s   first token s   tokens/s   % of copy rate   µs/dispatch\n";
    for context in contexts {
        text += &format!(
            "{:>7}{:>13.3}{:>16.3}{:>11.2}{:>17.1}{:>14.1}\n",
            context.windows,
            context.audio_kv_seconds,
            context.first_token_seconds,
            context.tokens_per_second,
            100.0 * context.of_copy,
            context.microseconds_per_dispatch
        );
    }
    text += &beams.as_ref().map_or(String::new(), beams_line);
    text += &baseline.as_ref().map_or(String::new(), baseline_line);
    text + &kernels("encoding a window", encoder_kernels) + &kernels("one token", token_kernels)
}

fn beams_line(beams: &Beams) -> String {
    let Beams { count, windows, seconds_per_token, ratio } = beams;
    format!(
        "\n{count} beams, {windows} windows of audio: a token {seconds_per_token:.4} s, {ratio:.2} times one without beams\n"
    )
}

fn baseline_line(comparison: &Comparison) -> String {
    format!(
        "\nbaseline {}, {} windows of audio: listen {:.3} s ({:.1} times as long), first token {:.3} s ({:.1}), a token {:.4} s ({:.1})\n",
        comparison.name,
        comparison.windows,
        comparison.listen_seconds,
        comparison.listen_ratio,
        comparison.first_token_seconds,
        comparison.first_token_ratio,
        comparison.seconds_per_token,
        comparison.token_ratio
    )
}

fn kernels(title: &str, kernels: &[Kernel]) -> String {
    if kernels.is_empty() {
        return String::new();
    }
    let heading = format!("{title}, by kernel");
    let mut text = format!(
        "\n{heading:<32}{:>6}{:>12}{:>8}{:>12}{:>10}{:>10}\n",
        "count", "µs", "%", "GFLOP", "% copy", "% matmul"
    );
    let percent = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.1}", 100.0 * share));
    for kernel in kernels {
        text += &format!(
            "  {:<30}{:>6}{:>12.1}{:>8.1}{:>12.4}{:>10}{:>10}\n",
            kernel.name,
            kernel.count,
            kernel.microseconds,
            100.0 * kernel.share,
            kernel.flops as f64 / 1e9,
            percent(kernel.of_copy),
            percent(kernel.of_matmul)
        );
    }
    text
}

fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
