//! `af2 serve MODEL`: an HTTP server with the interface of OpenAI's chat completions.

use std::env;
use std::path::PathBuf;
use std::thread;

use af2_serve::{Fetch, Queue, Server, Settings, signals};
use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;

use super::options::EngineOptions;
use crate::serving::{Download, Reach, Worker};
use crate::terminal::{note, report};

/// Where a key may stand that no list of processes shows.
const KEY: &str = "AF2_API_KEY";

/// Arguments of `af2 serve`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of a converted model.
    model: PathBuf,
    /// Port to listen on; 0 takes any free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Address to listen on; by default only this machine can connect. 0.0.0.0 lets the network in.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Answer only requests that have this key as their bearer token; better set it as AF2_API_KEY, which no list of processes shows.
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
    /// Fetch audio from http and https addresses in requests: from the public network, or from any address.
    #[arg(long, value_name = "public|any", num_args = 0..=1, default_missing_value = "public", require_equals = true)]
    allow_urls: Option<Reach>,
    /// Let pages of this origin ask, such as http://localhost:3000; * for all. May be given several times.
    #[arg(long, value_name = "ORIGIN")]
    cors: Vec<String>,
    /// Requests that may wait or be answered at a time; more are told to come again (429).
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    queue: u16,
    /// Windows of 10 s to listen to; the model's own limit by default, at most 150.
    #[arg(long, value_name = "N")]
    max_windows: Option<usize>,
    /// Megabytes of encoded clips to hold for further questions.
    #[arg(long, value_name = "MB", default_value_t = 512)]
    clip_memory: u64,
    #[command(flatten)]
    engine: EngineOptions,
}

/// Loads the model, says where it can be reached, and serves until it is told to stop.
pub fn run(arguments: Arguments) -> Result<()> {
    let api_key = arguments.api_key.or_else(|| env::var(KEY).ok());
    ensure!(
        api_key.as_ref().is_none_or(|key| !key.trim().is_empty()),
        "the API key is empty; leave it out, or set one"
    );
    let server = Server::bind(&arguments.host, arguments.port)
        .with_context(|| format!("cannot listen on {} port {}", arguments.host, arguments.port))?;
    let address = server.address();
    let engine = arguments.engine.load(&arguments.model, None)?;
    let config = engine.config();
    let settings = Settings {
        model: config.name.clone(),
        audio: config.audio.clone(),
        max_windows: arguments.max_windows.unwrap_or(config.audio.max_num_window),
        fetch: arguments.allow_urls.map(|reach| Box::new(Download::new(reach)) as Box<dyn Fetch>),
        api_key,
        origins: arguments.cors,
    };
    let most = config.audio.most_windows();
    ensure!(
        (1..=most).contains(&settings.max_windows),
        "--max-windows is {}, and must be 1 to {most}",
        settings.max_windows
    );
    note(format_args!("{} answers on {} at http://{address}/v1", settings.model, engine.name()));
    if !address.ip().is_loopback() && settings.api_key.is_none() {
        note(format_args!("anyone who reaches {address} may ask; --api-key or {KEY} asks for a key"));
    }
    report(example(&format!("http://{address}"), settings.api_key.is_some()));
    let queue = Queue::new(usize::from(arguments.queue));
    let mut worker = Worker::new(engine, arguments.clip_memory.saturating_mul(1_000_000));
    // The engine stays on this thread; HTTP has others.
    let ended = thread::scope(|scope| {
        let serving = scope.spawn(|| {
            let stopping = || note("stopping: running answers finish; stop again to end at once");
            server.run(settings, &queue, signals, stopping)
        });
        queue.work(&mut worker);
        serving.join()
    });
    ended.map_err(|_| anyhow!("internal error: the server's thread ended"))?.context("the server ended")
}

/// A line for the shell that asks about a file.
fn example(url: &str, keyed: bool) -> String {
    let key = if keyed { " -H \"Authorization: Bearer $AF2_API_KEY\"" } else { "" };
    format!(
        "(printf '{{\"messages\":[{{\"role\":\"user\",\"content\":[{{\"type\":\"text\",\"text\":\"What is this sound?\"}},{{\"type\":\"input_audio\",\"input_audio\":{{\"format\":\"wav\",\"data\":\"'; base64 < dog.wav | tr -d '\\n'; printf '\"}}}}]}}]}}') | curl -s {url}/v1/chat/completions -H 'Content-Type: application/json'{key} -d @-"
    )
}
