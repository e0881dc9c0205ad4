//! The report of a run, `report.json`: what was asked of what, how, and what came out.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::demo::DemoReport;
use crate::metrics::string_match;
use crate::{
    Asked, Benchmark, CaptionScores, EvalError, Figure, Predictions, Reported, Rule, Scores, Template, reported,
};

/// What made the answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// Version of the command line.
    pub version: String,
    /// Name of the model; the file's, where answers of others are scored.
    pub model: String,
    /// Matrices by the scheme that stores them.
    pub schemes: Map<String, Value>,
    /// SHA-256 of the model's index, which holds that of every shard.
    pub index_sha256: String,
    /// What computed.
    pub adapter: String,
    /// The options that decide the answers, the seed among them.
    pub options: Map<String, Value>,
}

/// An item without an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The item.
    pub id: String,
    /// Why.
    pub error: String,
}

/// The report of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The benchmark's name.
    pub benchmark: String,
    /// What it is.
    pub title: String,
    /// The template's name.
    pub template: String,
    /// Where the template was published.
    pub template_source: String,
    /// What made the answers.
    pub run: Run,
    /// Items of the data set, or of the part that `limit` chose.
    pub items: usize,
    /// Those with an answer.
    pub answered: usize,
    /// Audio files that are not there; their items were not asked, and count nowhere.
    pub missing_audio: Vec<String>,
    /// Items that failed, or that an answers' file lacks; they count nowhere.
    pub failures: Vec<Failure>,
    /// Entries of an answers' file that answer no item.
    pub strangers: usize,
    /// Items with a wrong option of the same words as the true one: string matching cannot tell them apart.
    pub ambiguous: usize,
    /// One a rule, the official one first.
    pub figures: Vec<Figure>,
    /// Of captions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captions: Option<CaptionScores>,
    /// What Audio Flamingo 2 reached by others' accounts.
    pub reported: Vec<Reported>,
    /// What was measured of the demo model beside its answers.
    #[serde(default, skip_serializing_if = "DemoReport::is_empty")]
    pub demo: DemoReport,
}

impl Report {
    /// The report of a benchmark's scores.
    ///
    /// # Errors
    /// The reported figures are damaged.
    pub fn new(
        benchmark: &Benchmark,
        template: &Template,
        run: Run,
        asked: &[Asked],
        missing_audio: Vec<String>,
        predictions: &Predictions,
        scores: &Scores,
    ) -> Result<Self, EvalError> {
        let failures = scores.items.iter().filter(|item| item.text.is_none()).map(|item| {
            let id = &item.asked.item.id;
            let error = predictions.get(id).and_then(|prediction| prediction.error.clone());
            Failure { id: id.clone(), error: error.unwrap_or_else(|| "not answered".into()) }
        });
        let failures: Vec<Failure> = failures.collect();
        Ok(Self {
            benchmark: benchmark.name.into(),
            title: benchmark.title.into(),
            template: template.name.clone(),
            template_source: template.source.clone(),
            run,
            items: asked.len(),
            answered: asked.len() - failures.len(),
            missing_audio,
            failures,
            strangers: predictions.strangers,
            ambiguous: ambiguous(benchmark, asked),
            figures: scores.figures.clone(),
            captions: scores.captions.clone(),
            reported: reported(benchmark.name)?,
            demo: DemoReport::default(),
        })
    }
}

fn ambiguous(benchmark: &Benchmark, asked: &[Asked]) -> usize {
    let unclear = |asked: &&Asked| {
        let answer = asked.item.answers.first();
        answer.is_some_and(|answer| string_match::ambiguous(answer, &asked.item.options))
    };
    if benchmark.rules.contains(&Rule::StringMatch) { asked.iter().filter(unclear).count() } else { 0 }
}
