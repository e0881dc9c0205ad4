//! `cargo xtask speed --rivals`: the engines beside others, which come from package registries into target/baselines.
//!
//! Every row names what it lacks if it cannot be measured here. Nothing of the others is built from source or shipped.

mod browser;
mod llama;
mod pytorch;
mod table;

use crate::run;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use table::Row;

/// Most time of one run of one engine.
const LIMIT: Duration = Duration::from_secs(600);

/// Runs of each engine on the CPU, in turn; the fastest counts.
const ROUNDS: usize = 3;

/// The example of `af2-cpu` that prints our CPU engine's rates; built beside `af2`.
pub const CPU_RATES: &str = "cpu_rates";

/// Where everything is.
struct Places {
    /// The repository.
    root: PathBuf,
    /// Our program.
    af2: PathBuf,
    /// The others' packages.
    folder: PathBuf,
    /// A converted 0.5B.
    model: PathBuf,
    /// Its configuration.
    config: Value,
}

/// Measures rows of the table.
type Measure = fn(&Places) -> Result<Vec<Row>>;

/// What is measured, each by itself, so that what cannot be had here costs only its own rows.
const MEASURED: [(&str, Measure); 7] = [
    ("decoding on the CPU, one thread", |places| llama::decoding(places, "1")),
    ("decoding on the CPU, two threads", |places| llama::decoding(places, "2")),
    ("decoding on the GPU", llama::on_the_gpu),
    ("encoding on the CPU, one thread", |places| pytorch::encoding(places, "1")),
    ("encoding on the CPU, two threads", |places| pytorch::encoding(places, "2")),
    ("decoding on the CPU in a tab", browser::on_the_cpu),
    ("4-bit matrices on WebGPU in a tab", browser::on_webgpu),
];

/// Measures the rows that can be had here and whose name contains `wanted`; writes `baselines.md` and `baselines.json` to `out`. `model` is a
/// converted 0.5B.
pub fn run(root: &Path, wanted: &str, af2: &str, model: &Path, out: &Path) -> Result<()> {
    let (folder, model, af2) = (run::target(root).join("baselines"), root.join(model), root.join(af2));
    fs::create_dir_all(&folder)?;
    let config = serde_json::from_slice(&fs::read(model.join("config.json"))?)?;
    let places = Places { root: root.to_owned(), af2, folder, model, config };
    let mut rows = Vec::new();
    for (what, measure) in MEASURED.into_iter().filter(|(what, _)| what.contains(wanted)) {
        match measure(&places).and_then(complete) {
            Ok(measured) => rows.extend(measured),
            Err(error) => eprintln!("skipped: {what}: {error:#}"),
        }
    }
    let table = table::table(&rows);
    fs::create_dir_all(out)?;
    fs::write(out.join("baselines.md"), &table)?;
    fs::write(out.join("baselines.json"), serde_json::to_vec_pretty(&rows.iter().map(Row::json).collect::<Vec<_>>())?)?;
    print!("\n{table}");
    Ok(())
}

/// The rows, unless a program did not print one of their figures.
fn complete(rows: Vec<Row>) -> Result<Vec<Row>> {
    ensure!(rows.iter().all(|row| row.ratio().is_finite()), "a program did not print what is measured");
    Ok(rows)
}

impl Places {
    /// Our CPU engine's rates with so many threads: a program that prints them.
    fn cpu_rates(&self, tokens: &str, threads: &str) -> Command {
        let mut command = Command::new(run::target(&self.root).join("release/examples").join(CPU_RATES));
        command.arg(&self.model).arg(tokens).env("RAYON_NUM_THREADS", threads);
        command
    }

    /// The program `name` of a virtual environment with these packages from the registry.
    fn python(&self, environment: &str, packages: &[&str]) -> Result<PathBuf> {
        let folder = self.folder.join(environment);
        let program = |name: &str| folder.join("bin").join(name);
        if !program("pip").exists() {
            run::run(&self.root, "python3", &["-m", "venv", &folder.display().to_string()])?;
        }
        let pip = program("pip").display().to_string();
        run::run(&self.root, &pip, &[&["install", "--quiet"], packages].concat())?;
        Ok(program("python"))
    }

    /// A folder with these packages, NAME@VERSION, from npm.
    fn npm(&self, folder: &str, packages: &[String]) -> Result<PathBuf> {
        let folder = self.folder.join(folder);
        let missing = |package: &&String| {
            let name = package.rsplit_once('@').map_or(package.as_str(), |(name, _)| name);
            !folder.join("node_modules").join(name).join("package.json").exists()
        };
        fs::create_dir_all(&folder)?;
        let list = folder.join("package.json");
        if !list.exists() {
            fs::write(list, r#"{ "private": true }"#)?; // npm adds what it installs, and removes what is not there
        }
        for package in packages.iter().filter(missing) {
            // Scripts would build from source where a published build does not run.
            let flags = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional", package];
            run::run(&folder, "npm", &flags)?;
        }
        Ok(folder)
    }
}

/// Runs both programs in turn and gives the JSON objects on their last lines.
fn in_turn(ours: &mut Command, theirs: &mut Command, rounds: usize) -> Result<[Vec<Value>; 2]> {
    let mut runs = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        runs[0].push(json_of(ours)?);
        runs[1].push(json_of(theirs)?);
    }
    Ok(runs)
}

fn least(runs: &[Value], name: &str) -> f64 {
    runs.iter().filter_map(|run| run[name].as_f64()).fold(f64::NAN, f64::min)
}

/// The JSON object on a program's last line.
fn json_of(command: &mut Command) -> Result<Value> {
    let line = format!("{command:?}");
    eprintln!("$ {line}");
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().with_context(|| format!("cannot start {line}"))?;
    let start = Instant::now();
    while child.try_wait()?.is_none() {
        if start.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
            bail!("{line} took more than {} s", LIMIT.as_secs());
        }
        thread::sleep(Duration::from_millis(50));
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{line} failed ({})", output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.trim().lines().next_back().unwrap_or_default())
        .with_context(|| format!("{line} printed no JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_fastest_run_counts() {
        let runs = [json!({ "token": 3.0 }), json!({ "token": 2.0 }), json!({})];
        assert_eq!(least(&runs, "token"), 2.0);
        assert!(least(&runs, "peak_bytes").is_nan());
    }

    #[test]
    fn a_row_without_a_figure_is_refused() {
        let row = |ours| Row { what: String::new(), baseline: "", unit: "ns", ours, theirs: 1.0, target: 1.0 };
        assert_eq!(complete(vec![row(2.0)]).unwrap().len(), 1);
        assert!(complete(vec![row(2.0), row(f64::NAN)]).is_err());
    }
}
