//! One line of output: the fields of the list's line, the question, `result` or `error`, and in front `af2`, which says what made it.
//!
//! `af2` is in every line rather than in a header or a second file: all lines have the same fields for those who read them, files may be
//! joined, split and moved, and every answer names its model. By the same mark a file is known to be one of ours.

use af2_core::config::{ConfigError, ModelConfig};
use af2_core::weights::verify::ShardHasher;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Job;

/// Field that holds the [`Origin`].
const ORIGIN: &str = "af2";
/// How every line begins. A first line that was torn is known by it.
const START: &[u8] = b"{\"af2\":{\"version\":\"";
/// Fields of a line that are not the list's.
const OURS: [&str; 3] = [ORIGIN, "result", "error"];

/// What made an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// Version of the command line.
    version: String,
    /// Name of the model.
    model: String,
    /// SHA-256 of the model's index, which holds that of every shard.
    index_sha256: String,
    /// The options that decide the answer.
    options: Map<String, Value>,
}

impl Origin {
    /// Of a model's `config.json` and index, and the options that decide its answers. Options that are not set are left out.
    ///
    /// # Errors
    /// The configuration is unusable.
    pub fn new(config: &[u8], index: &[u8], options: Map<String, Value>) -> Result<Self, ConfigError> {
        let mut hasher = ShardHasher::new();
        hasher.update(index);
        let set = |value: &Value| !matches!(value, Value::Null | Value::Bool(false)) && value != &Value::Array(vec![]);
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").into(),
            model: ModelConfig::parse(config)?.name,
            index_sha256: hasher.finish().1,
            options: options.into_iter().filter(|(_, value)| set(value)).collect(),
        })
    }

    /// In what another origin differs such that its answers may; none where both give the same answers.
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self.index_sha256 != other.index_sha256 {
            let short = |origin: &Self| format!("{} ({:.12}…)", origin.model, origin.index_sha256);
            return Some(format!("model {}; this run asks {}", short(other), short(self)));
        }
        // Numbers are compared as texts: one that was read again may differ in its last bit.
        let text = |origin: &Self| Value::from(origin.options.clone()).to_string();
        (text(self) != text(other)).then(|| format!("options {}; this run has {}", text(other), text(self)))
    }
}

/// A line that was read.
pub(super) struct Record {
    /// What made it.
    pub origin: Origin,
    /// [`key`] of what it answers; none for a failure.
    pub answered: Option<String>,
}

impl Record {
    /// Reads a line; none for what is not a line of ours.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let mut fields: Map<String, Value> = serde_json::from_slice(line).ok()?;
        let origin = serde_json::from_value(fields.remove(ORIGIN)?).ok()?;
        let asked = fields.contains_key("question") && fields.remove("result").is_some();
        Some(Self { origin, answered: asked.then(|| Value::from(fields).to_string()) })
    }
}

/// Whether a line that is none of ours may be the begin of one, torn when a run was killed.
pub(super) fn may_be_torn(line: &[u8]) -> bool {
    !line.is_empty() && (START.starts_with(line) || line.starts_with(START))
}

/// The key of a question: lines that ask the same have the same key, because the map sorts its names.
pub(super) fn key(job: &Job, question: &str) -> String {
    Value::from(asked(job, question)).to_string()
}

/// A line with its line feed; `name` is `result` or `error`.
pub(super) fn write(
    origin: &Origin,
    job: &Job,
    question: &str,
    name: &str,
    value: Value,
) -> Result<String, serde_json::Error> {
    let mut fields = asked(job, question);
    fields.insert(name.into(), value);
    let (origin, fields) = (serde_json::to_string(origin)?, Value::from(fields).to_string());
    Ok(format!("{{\"{ORIGIN}\":{origin},{}\n", fields.trim_start_matches('{')))
}

fn asked(job: &Job, question: &str) -> Map<String, Value> {
    let theirs = job.fields.iter().filter(|(name, _)| !OURS.contains(&name.as_str()));
    let mut fields: Map<String, Value> = theirs.cloned().collect();
    fields.insert("question".into(), question.into());
    fields
}
