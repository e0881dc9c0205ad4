//! `af2 eval BENCHMARK DATA MODEL`: measures a model as published benchmarks do. `af2 eval list` shows them, `af2 eval compare` compares runs.

use std::path::{Path, PathBuf};

use af2_eval::comparison::{Comparison, REPORT_FILE, Side};
use af2_eval::demo::DemoReport;
use af2_eval::{
    Asked, Benchmark, DataDir, Item, Predictions, Report, Run, Scores, Template, benchmarks, prepare, spread,
};
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};

use super::options::{AudioOptions, EngineOptions};
use crate::asking::{Asker, Decoding};
use crate::batch::{Batch, Origin, Output};
use crate::evaluation::{DemoOptions, DemoPlan, HoursRun, LazyEngine, Part, ReportFolder, jobs, run_of, wanted_by_id};
use crate::model::ModelFiles;
use crate::open_file::read_regular;
use crate::terminal::{note, print, print_line};

/// Most bytes of a report.
const REPORT_LIMIT: u64 = 256 << 20;
/// Where the demo model and its recordings are in the repository.
const DEMO: [&str; 3] = ["target/demo/recordings", "weights/demo/sounds", "weights/demo/model"];

/// Arguments of `af2 eval`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    #[command(subcommand)]
    other: Option<Other>,
    /// The benchmark, as `af2 eval list` names it.
    #[arg(required = true)]
    benchmark: Option<String>,
    /// Folder of the data set. May be left out for demo.
    data: Option<PathBuf>,
    /// Directory of a converted model. May be left out for demo.
    model: Option<PathBuf>,
    /// Ask this many items only, spread over the data set.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// The wording of the questions, as `af2 eval list` names it, or a JSON file of the same form; by default the benchmark's first.
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// Also score every option of a multiple choice, and report how often the right one scores best.
    #[arg(long)]
    choose: bool,
    /// Write answers, report and submission into this folder. An interrupted run resumes from it.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Score the answers of this file instead of asking a model: lines of af2, a submission, or the original's inference.jsonl.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "choose"])]
    answers: Option<PathBuf>,
    /// Print the report as JSON instead of a table.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    input: AudioOptions,
    #[command(flatten)]
    engine: EngineOptions,
    #[command(flatten)]
    decoding: Decoding,
    #[command(flatten)]
    demo: DemoOptions,
}

/// What is not a run.
#[derive(Debug, Subcommand)]
enum Other {
    /// Show the benchmarks, the files that they want, and the templates.
    List,
    /// Compare two runs: share of identical answers, items that became right or wrong, McNemar's test.
    Compare {
        /// Folder of a report.
        a: PathBuf,
        /// Folder of a report, or a file of other answers, such as the original's inference.jsonl.
        b: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// Runs what was asked for.
pub fn run(arguments: Arguments) -> Result<()> {
    match arguments.other {
        Some(Other::List) => list(),
        Some(Other::Compare { a, b, json }) => compare(&a, &b, json),
        None => evaluate(&arguments),
    }
}

/// What a run asks of what.
struct Plan {
    benchmark: &'static Benchmark,
    template: Template,
    data: DataDir,
    asked: Vec<Asked>,
    missing: Vec<String>,
    /// All items, of which words are rare.
    whole: Vec<Item>,
    /// What is measured beside the answers.
    demo: DemoPlan,
}

impl Plan {
    fn new(arguments: &Arguments) -> Result<Self> {
        let benchmark = Benchmark::named(arguments.benchmark.as_deref().unwrap_or_default())?;
        let template = Template::named(arguments.template.as_deref().unwrap_or(benchmark.templates[0]))?;
        let data = DataDir::new(&arguments.data(benchmark)?);
        if arguments.answers.is_none() {
            arguments.model()?; // said before the data set is read
        }
        ensure!(arguments.is_demo() || !arguments.demo.named(), "--parts names parts of the benchmark demo");
        let parts = arguments.demo.parts();
        let asks = parts.ask();
        let demo = DemoPlan::new(parts, &data)?;
        let whole = if asks { benchmark.items(&data)? } else { Vec::new() };
        let items: Vec<Item> = whole.iter().filter(|item| demo.asks(item)).cloned().collect();
        let items = match arguments.limit {
            Some(limit) => spread(items, limit),
            None => items,
        };
        let scored_only = arguments.answers.is_some();
        let (asked, missing) = prepare(&template, &data, items, scored_only);
        ensure!(
            !asked.is_empty() || !asks,
            "of {} audio files none is in {}; {} wants {}",
            missing.len(),
            data.root().display(),
            benchmark.name,
            benchmark.files
        );
        Ok(Self { benchmark, template, data, asked, missing, whole, demo })
    }
}

impl Arguments {
    fn is_demo(&self) -> bool {
        self.benchmark.as_deref() == Some("demo")
    }

    fn data(&self, benchmark: &Benchmark) -> Result<PathBuf> {
        let [recordings, sounds, _] = DEMO.map(Path::new);
        match &self.data {
            Some(data) => Ok(data.clone()),
            None if self.is_demo() && recordings.is_dir() => Ok(recordings.into()),
            None if self.is_demo() => Ok(sounds.into()),
            None => bail!("name the folder of the data set; {} wants {}", benchmark.name, benchmark.files),
        }
    }

    fn model(&self) -> Result<&Path> {
        match &self.model {
            Some(model) => Ok(model),
            None if self.is_demo() => Ok(Path::new(DEMO[2])),
            None => bail!("name the folder of a converted model, or score answers with --answers"),
        }
    }
}

/// Asks or reads the answers, scores them, and prints the table.
fn evaluate(arguments: &Arguments) -> Result<()> {
    let plan = Plan::new(arguments)?;
    if !plan.missing.is_empty() {
        note(format_args!("{} audio files are missing; their items are left out", plan.missing.len()));
    }
    let folder = ReportFolder::open(arguments.out.as_deref())?;
    let engine = LazyEngine::new(|| arguments.engine.load(arguments.model()?, None));
    let (run, predictions, demo) = match &arguments.answers {
        Some(path) => {
            let predictions = Predictions::read(path, &plan.asked)?;
            let figures = plan.demo.figures(&predictions);
            (foreign(path), predictions, figures)
        }
        None => answer(arguments, &plan, &folder, &engine)?,
    };
    let Plan { benchmark, template, asked, missing, whole, demo: parts, .. } = plan;
    let scores = Scores::new(benchmark, &asked, &predictions, &whole);
    let mut report = Report::new(benchmark, &template, run, &asked, missing, &predictions, &scores)?;
    report.demo = demo;
    if !parts.parts().has(Part::Answers) {
        report.figures.clear(); // of a selection of the questions
    }
    if folder.stays() {
        folder.write(benchmark, &report, &scores, &asked, &predictions)?;
    }
    print(if arguments.json { serde_json::to_string(&report)? + "\n" } else { report.to_string() })?;
    if benchmark.export.is_some() && report.figures.is_empty() && !folder.stays() {
        note("others score this benchmark; --out DIR writes the file that they take");
    }
    if arguments.answers.is_none() && !report.failures.is_empty() {
        bail!(
            "{} of {} items have no answer; with --out the same command asks them again",
            report.failures.len(),
            report.items
        );
    }
    Ok(())
}

/// What made the answers of a file: nobody knows but its name.
fn foreign(path: &Path) -> Run {
    Run { version: env!("CARGO_PKG_VERSION").into(), model: path.display().to_string(), ..Run::default() }
}

/// Asks what the folder does not answer yet, reads its answers, and measures what else was wanted.
fn answer(
    arguments: &Arguments,
    plan: &Plan,
    folder: &ReportFolder,
    engine: &LazyEngine<'_>,
) -> Result<(Run, Predictions, DemoReport)> {
    let files = ModelFiles::open(arguments.model()?)?;
    let origin = origin(arguments, plan, &files)?;
    let mut predictions =
        if plan.asked.is_empty() { Predictions::default() } else { ask(arguments, plan, folder, engine, &origin)? };
    let demo = hours(arguments, plan, folder, engine, &files)?;
    predictions.adapters.extend(engine.name());
    let demo = DemoReport { hours: demo.hours, memory: demo.memory, ..plan.demo.figures(&predictions) };
    Ok((run_of(&origin, &files.index, &predictions)?, predictions, demo))
}

fn ask(
    arguments: &Arguments,
    plan: &Plan,
    folder: &ReportFolder,
    engine: &LazyEngine<'_>,
    origin: &Origin,
) -> Result<Predictions> {
    let sampling = arguments.decoding.sampling()?;
    let output = Output::open(&folder.answers(), origin.clone(), false)?;
    let wanted = wanted_by_id(&plan.asked, arguments.choose, plan.demo.wanted());
    let mut batch = Batch::new(output, jobs(&plan.asked, plan.data.root())).measuring(wanted);
    if batch.left() < batch.all() {
        note(format_args!("{} of {} items are answered already", batch.all() - batch.left(), batch.all()));
    }
    if batch.left() > 0 {
        let (engine, seconds) = engine.get()?;
        batch.load_seconds = seconds;
        let asker = Asker { engine, decoding: &arguments.decoding, sampling, stream: false };
        let (config, input) = (engine.config().audio.clone(), arguments.input);
        note(batch.run(asker, move |path, start| input.load(&config, path, start))?);
    }
    Ok(Predictions::read(&folder.answers(), &plan.asked)?)
}

/// Captions and searches of hours of audio, and their memory, where these parts are wanted.
fn hours(
    arguments: &Arguments,
    plan: &Plan,
    folder: &ReportFolder,
    engine: &LazyEngine<'_>,
    files: &ModelFiles,
) -> Result<DemoReport> {
    let (parts, mut report) = (plan.demo.parts(), DemoReport::default());
    if !parts.any(&[Part::Hours, Part::Memory]) {
        return Ok(report);
    }
    let results = folder.hours();
    let origin = Origin::new(&files.config, &files.index, serde_json::Map::new())?;
    let output = Output::open(&results, origin, false)?;
    let mut run = HoursRun { data: DataDir::new(&arguments.demo.hours), engine, output, results };
    if parts.has(Part::Hours) {
        report.hours = Some(run.figure(arguments.demo.minutes)?);
    }
    if parts.has(Part::Memory) {
        let model = arguments.model()?.to_str().context("the name of the model's folder is not UTF-8")?;
        report.memory = run.memory(&[arguments.engine.arguments(), vec![model.to_owned()]].concat())?;
    }
    Ok(report)
}

/// What the answers are made by, so that those of another benchmark or template are not mixed with them.
fn origin(arguments: &Arguments, plan: &Plan, files: &ModelFiles) -> Result<Origin> {
    let own = serde_json::json!({
        "benchmark": plan.benchmark.name,
        "template": plan.template.name,
        "choose": arguments.choose,
        "parts": plan.demo.parts().beside(),
    });
    let mut options = serde_json::Map::new();
    for part in [own, serde_json::to_value(&arguments.decoding)?, serde_json::to_value(arguments.input)?] {
        options.extend(part.as_object().cloned().unwrap_or_default());
    }
    Ok(Origin::new(&files.config, &files.index, options)?)
}

fn list() -> Result<()> {
    for benchmark in benchmarks::ALL {
        print_line(format_args!("{}: {}", benchmark.name, benchmark.title))?;
        print_line(format_args!("    files      {}", benchmark.files))?;
        print_line(format_args!("    templates  {}", benchmark.templates.join(", ")))?;
        let rules: Vec<&str> = benchmark.rules.iter().map(|rule| rule.name()).collect();
        let captions = if benchmark.captions { "CIDEr-D, BLEU, ROUGE-L" } else { "" };
        let figures = if rules.is_empty() { captions.to_owned() } else { rules.join("; ") };
        if !figures.is_empty() {
            print_line(format_args!("    figures    {figures}"))?;
        }
        if let Some(export) = benchmark.export {
            print_line(format_args!("    submission {}, field {}", export.file, export.field))?;
        }
    }
    print_line("\ntemplates")?;
    for template in Template::all()? {
        print_line(format_args!("    {:<10} {}", template.name, template.source))?;
    }
    Ok(())
}

fn compare(a: &Path, b: &Path, json: bool) -> Result<()> {
    let path = a.join(REPORT_FILE);
    let report = read_regular(&path, REPORT_LIMIT).with_context(|| format!("cannot read {}", path.display()))?;
    let report: Report =
        serde_json::from_slice(&report).with_context(|| format!("{} is no report of af2 eval", path.display()))?;
    let first = Side::read(a)?;
    let second = match b.is_dir() {
        true => Side::read(b)?,
        false => first.answered_by(b, Benchmark::named(&report.benchmark)?)?,
    };
    let comparison = Comparison::new(&first, &second);
    ensure!(comparison.common > 0, "{} and {} have no answered item in common", a.display(), b.display());
    Ok(print(if json { serde_json::to_string(&comparison)? + "\n" } else { comparison.to_string() })?)
}
