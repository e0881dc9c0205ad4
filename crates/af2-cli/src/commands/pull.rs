//! `af2 pull NAME`: a model from a hub, converted while it is fetched.

use af2_core::weights::Scheme;
use anyhow::Result;
use clap::Args;

use super::convert::{parse_size, progress_bar};
use crate::hub::{Cost, Environment, Options, Outcome, pull};
use crate::terminal::{note, print};

/// Arguments of `af2 pull`.
#[derive(Debug, Args)]
#[command(
    after_help = "Environment: AF2_HOME (where models go), HF_TOKEN, HF_TOKEN_PATH, HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_HUB_OFFLINE."
)]
pub struct Arguments {
    /// 3b, 1.5b, 0.5b or cot for NVIDIA's releases; ORG/NAME or ORG/NAME@REVISION; or an https:// address.
    #[arg(value_name = "MODEL")]
    model: String,
    /// How matrices are stored: f32, f16, q8 or q4. A model that is published converted stays as it is.
    #[arg(long, value_name = "SCHEME", default_value = "q4")]
    weights: Scheme,
    /// Size of a shard, for example 256MiB or 1GB.
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = parse_size)]
    shard_size: u64,
    /// The base language model of a release other than NVIDIA's, for example Qwen/Qwen2.5-3B.
    #[arg(long, value_name = "ORG/NAME")]
    base: Option<String>,
    /// Only tell from where, how much, and how long.
    #[arg(long)]
    dry_run: bool,
    /// Accept the licences that are shown.
    #[arg(long, alias = "accept-license")]
    accept_licence: bool,
    /// First read the release's files whole, also what is not needed, and compare their SHA-256 with the hub's.
    #[arg(long)]
    verify: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Pulls with a progress bar on stderr, and prints where the model is.
pub fn run(arguments: Arguments) -> Result<()> {
    let options = Options {
        scheme: arguments.weights,
        shard_bytes: arguments.shard_size,
        base: arguments.base,
        verify: arguments.verify,
        dry_run: arguments.dry_run,
        accept: arguments.accept_licence,
    };
    let bar = progress_bar();
    let outcome = pull(&arguments.model, &Environment::of_process(), &options, &mut |what, done, total| {
        bar.set_message(what);
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let outcome = outcome?;
    let text = if arguments.json { serde_json::to_string(&outcome)? + "\n" } else { described(&outcome) };
    print(text)?;
    if let Outcome::Present { path } = &outcome {
        note(format_args!(
            "the model is there already; to pull it again, first remove it: af2 models remove {}",
            name(path)
        ));
    }
    Ok(())
}

fn name(path: &std::path::Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn described(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Cost(cost) => described_cost(cost),
        Outcome::Present { path } => format!("{}\n", path.display()),
        Outcome::Pulled(pulled) => format!(
            "{}: {} parameters, {} bytes in {} shards; {} fetched from {}\n",
            pulled.path.display(),
            pulled.parameters,
            pulled.bytes,
            pulled.shards,
            size(pulled.received),
            pulled.source
        ),
    }
}

fn described_cost(cost: &Cost) -> String {
    let mut text = format!("from     {}\n", cost.source);
    if let Some(base) = &cost.base {
        text += &format!("base     {base} (configuration and tokenizer, weights only where the release has none)\n");
    }
    for term in &cost.terms {
        text += &format!("licence  {}\n         {}\n", term.title, term.url);
    }
    text += &format!("fetch    {} of {} in {} requests\n", size(cost.fetched), size(cost.stored), cost.requests);
    text += &format!("disk     {} in {}, {} free\n", size(cost.model), cost.target.display(), size(cost.free));
    text + &match cost.rate {
        Some(rate) => {
            format!("time     about {} at the measured {}/s\n", duration(cost.fetched as f64 / rate), size(rate as u64))
        }
        None => "time     unknown: there was too little to fetch to measure the rate\n".into(),
    }
}

/// Decimal units, as the hub shows them.
fn size(bytes: u64) -> String {
    match bytes as f64 {
        bytes if bytes >= 1e9 => format!("{:.1} GB", bytes / 1e9),
        bytes if bytes >= 1e6 => format!("{:.1} MB", bytes / 1e6),
        bytes => format!("{:.1} kB", bytes / 1e3),
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 5400.0 => format!("{:.1} hours", seconds / 3600.0),
        seconds if seconds >= 90.0 => format!("{:.0} minutes", seconds / 60.0),
        seconds => format!("{seconds:.0} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_readable() {
        assert_eq!(size(19_164_127_104), "19.2 GB");
        assert_eq!(size(7_031_000), "7.0 MB");
        assert_eq!(size(512), "0.5 kB");
        assert_eq!(duration(19.4), "19 seconds");
        assert_eq!(duration(1600.0), "27 minutes");
        assert_eq!(duration(9000.0), "2.5 hours");
    }
}
