//! `af2 bench MODEL`: how fast each part runs here, and how far from the device's limits.

use std::io::{self, Write};
use std::path::PathBuf;

use af2_gpu::{NoTuning, Tuning};
use anyhow::{Result, ensure};
use clap::Args;
use serde::Serialize;

use crate::bench::kernels::Kernel;
use crate::bench::rival::{Against, Rival};
use crate::bench::{Plan, Report, measure};
use crate::executor::open_gpu;
use crate::session::Session;
use crate::tuning::tuned;

/// Arguments of `af2 bench`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of a converted model.
    model: PathBuf,
    /// Windows of 10 s in the model's memory while it answers.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [1, 12, 30])]
    windows: Vec<usize>,
    /// Tokens of the prompt.
    #[arg(long, value_name = "N", default_value_t = 40)]
    prompt_tokens: usize,
    /// Tokens of the answer.
    #[arg(long, value_name = "N", default_value_t = 32)]
    tokens: usize,
    /// Kernels for a chip, for a program that plays one, or as `af2 tune --json` names them ("wide staged 8 64 64"), whatever the adapter is.
    #[arg(long, value_name = "chip|program|NAMES", value_parser = tuning_of)]
    kernels: Option<Tuning>,
    /// Measure a rival as well, in the first of the contexts.
    #[arg(long, value_enum, value_name = "RIVAL")]
    against: Option<Rival>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Use the adapter whose name contains this.
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
}

fn tuning_of(text: &str) -> Result<Tuning, NoTuning> {
    match text {
        "chip" => Ok(Tuning::HARDWARE),
        "program" => Ok(Tuning::SOFTWARE),
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
    let rival = arguments.against.map(|rival| Ok::<_, anyhow::Error>((rival, rival.backend()?))).transpose()?;
    let gpu = open_gpu(arguments.adapter.as_deref())?;
    let gpu = match arguments.kernels {
        Some(tuning) => gpu.tuned(tuning),
        None => tuned(gpu),
    };
    let session = Session::load_on(gpu, &arguments.model)?;
    let plan = Plan { contexts: arguments.windows, prompt_tokens: arguments.prompt_tokens, tokens: arguments.tokens };
    let gpu_bytes = session.gpu.memory().bytes();
    let mut report = measure(&session.gpu, &session.model, &plan)?;
    if let Some((rival, backend)) = rival {
        report.against = Some(rival.measure(backend, &arguments.model, &plan, &report)?);
    }
    let facts = session.gpu.facts();
    let output = Output {
        adapter: &facts.name,
        driver: &facts.driver,
        kernels: session.gpu.tuning().to_string(),
        model: &session.model.config().name,
        load_seconds: session.load_seconds,
        gpu_bytes,
        gpu_peak_bytes: session.gpu.memory().peak_bytes(),
        process_peak_bytes: process_peak_bytes(),
        report,
    };
    let text = if arguments.json { serde_json::to_string(&output)? + "\n" } else { table(&output) };
    Ok(io::stdout().write_all(text.as_bytes())?)
}

/// Most memory this process ever held, where the system tells. On software GPUs the GPU's buffers are part of it.
fn process_peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? << 10)
}

fn table(output: &Output<'_>) -> String {
    let Report { rates, encode, contexts, token, encoder_kernels, token_kernels, against } = &output.report;
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
        rates.product_flops_per_second / 1e9
    );
    text += &format!(
        "encode a window   {:>9.3} s   {:.1} x real time, {:.3} GFLOP in {} dispatches, {:.0} % of the product rate\n",
        encode.seconds,
        encode.times_real_time,
        encode.flops as f64 / 1e9,
        encode.dispatches,
        100.0 * encode.of_product
    );
    text += &format!(
        "one token         {} dispatches with one window of sound, {} with more, {:.1} MB of weights and {:.2} MB per window of sound\n\n",
        token.dispatches[0],
        token.dispatches[1],
        mega(token.weight_bytes),
        mega(token.audio_bytes_per_window)
    );
    text += "windows   memory s   first token s   tokens/s   % of copy rate   µs/dispatch\n";
    for context in contexts {
        text += &format!(
            "{:>7}{:>11.3}{:>16.3}{:>11.2}{:>17.1}{:>14.1}\n",
            context.windows,
            context.memory_seconds,
            context.first_token_seconds,
            context.tokens_per_second,
            100.0 * context.of_copy,
            context.microseconds_per_dispatch
        );
    }
    text += &against.as_ref().map_or(String::new(), rival);
    text + &kernels("encoding a window", encoder_kernels) + &kernels("one token", token_kernels)
}

fn rival(against: &Against) -> String {
    format!(
        "\nagainst {}, windows in memory {}: listen {:.3} s ({:.1} times as long), first token {:.3} s ({:.1}), a token {:.4} s ({:.1})\n",
        against.name,
        against.windows,
        against.listen_seconds,
        against.listen_ratio,
        against.first_token_seconds,
        against.first_token_ratio,
        against.seconds_per_token,
        against.token_ratio
    )
}

fn kernels(title: &str, kernels: &[Kernel]) -> String {
    if kernels.is_empty() {
        return String::new();
    }
    let heading = format!("{title}, by kernel");
    let mut text = format!(
        "\n{heading:<32}{:>6}{:>12}{:>8}{:>12}{:>10}{:>10}\n",
        "count", "µs", "%", "GFLOP", "% copy", "% product"
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
            percent(kernel.of_product)
        );
    }
    text
}

fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
