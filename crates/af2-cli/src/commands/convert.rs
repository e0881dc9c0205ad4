//! `af2 convert RELEASE_DIR OUT_DIR`: weights from the official release layout.

use std::path::PathBuf;

use af2_convert::Report;
use af2_core::weights::Scheme;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::convert::{ConvertOptions, convert};
use crate::terminal::print_line;

/// Arguments of `af2 convert`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of the release: safe_ckpt/, and configs/inference.yaml where it is there.
    release_dir: PathBuf,
    /// Directory to write; must not exist or be empty.
    out_dir: PathBuf,
    /// Directory of the base language model: configuration and tokenizer, and weights where the release has none.
    #[arg(long, value_name = "DIR")]
    lm: Option<PathBuf>,
    /// PyTorch checkpoint of the CLAP encoder, for releases without encoder weights.
    #[arg(long, value_name = "FILE")]
    clap: Option<PathBuf>,
    /// How matrices are stored: f32, f16, q8 or q4.
    #[arg(long, value_name = "SCHEME", default_value = "q4")]
    weights: Scheme,
    /// Size of a shard, for example 256MiB or 1GB.
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = parse_size)]
    shard_size: u64,
}

/// Converts with a progress bar on stderr, and prints one line about the result.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let options = ConvertOptions {
        release_dir: arguments.release_dir,
        out_dir: arguments.out_dir,
        lm_dir: arguments.lm,
        clap_file: arguments.clap,
        scheme: arguments.weights,
        shard_bytes: arguments.shard_size,
    };
    let bar = progress_bar();
    let report = convert(&options, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let report = report?;
    let (out, Report { parameters, bytes, shards }) = (options.out_dir.display(), report);
    Ok(print_line(format_args!("{out}: {parameters} parameters, {bytes} bytes in {shards} shards"))?)
}

/// A bar in bytes; indicatif hides it when stderr is no terminal.
pub(super) fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let template = "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Bytes of `256MiB`, `256M` (binary), `256MB` (decimal), `1048576`.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(format!("`{text}` is no size; write for example 256MiB or 1GB")),
    };
    let count: Option<u64> = digits.trim().parse().ok().filter(|&count| count > 0);
    let bytes = count.and_then(|count: u64| count.checked_mul(unit));
    bytes.ok_or_else(|| format!("`{text}` is no size; write for example 256MiB or 1GB"))
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn sizes() {
        assert_eq!(parse_size("256MiB"), Ok(256 << 20));
        assert_eq!(parse_size("1gb"), Ok(1_000_000_000));
        assert_eq!(parse_size("77"), Ok(77));
        for bad in ["", "0", "M", "-1M", "1.5G", "5X", "99999999999999999999", "18446744073709551615G"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
