//! What was answered: lines of this project, submissions of a benchmark, and `inference.jsonl` of the original.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::data_dir::{Row, rows};
use crate::{Asked, EvalError};

/// What one item got.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prediction {
    /// The answer; none where there is only an error.
    pub text: Option<String>,
    /// The option that scored best, where options were scored.
    pub choice: Option<usize>,
    /// Why there is no answer.
    pub error: Option<String>,
    /// What lines of this project tell beside the text.
    pub measured: Option<Measured>,
}

/// What the `result` of an answer tells beside its text.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Measured {
    /// Probability of the whole answer.
    pub confidence: f64,
    /// Its tokens.
    pub ids: Vec<u32>,
    /// Its options, where they were weighed.
    pub choice: Option<Weighed>,
    /// Where in the audio it comes from, by several methods.
    pub places: Vec<Place>,
}

/// Weighed options.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Weighed {
    /// The place of the best.
    pub best: usize,
    /// In the order of the question.
    pub options: Vec<WeighedOption>,
}

/// The probabilities of an option.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct WeighedOption {
    /// Less the prior.
    pub probability: f64,
    /// The model's own.
    pub raw_probability: f64,
}

/// How much of an answer rests on each time of the audio.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Place {
    /// How it was found.
    pub method: String,
    /// Seconds of each value of the curve.
    pub seconds_per_step: f64,
    /// From the start of the audio.
    pub curve: Vec<f64>,
}

impl Measured {
    /// The weighed options, if there are as many as expected.
    pub fn weighed(&self, options: usize) -> Option<&Weighed> {
        self.choice.as_ref().filter(|choice| choice.options.len() == options && choice.best < options)
    }

    /// Geometric mean of the probabilities of the answer's tokens.
    pub fn per_token(&self) -> f64 {
        self.confidence.powf(1.0 / self.ids.len().max(1) as f64)
    }
}

/// Predictions by the items' ids.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Predictions {
    of: HashMap<String, Prediction>,
    /// What computed them, as far as the entries tell.
    pub adapters: BTreeSet<String>,
    /// Entries of the file that answer no item.
    pub strangers: usize,
}

/// Fields that hold an answer, the surest first. `output` is last: in manifests it is the reference.
const ANSWERS: [&str; 6] = ["model_prediction", "answer_prediction", "model_output", "prediction", "pred", "output"];
/// Fields that name an audio file, and a question.
const AUDIO: [&str; 7] = ["audio", "path", "audio_path", "filename", "file", "name", "audio_id"];
const QUESTION: [&str; 4] = ["prompt", "question", "instruction", "QuestionText"];

impl Predictions {
    /// The answers of a file: JSON lines, a JSON array, or an object of entries. An entry is an item's by its `id`, or else by its audio
    /// file and its prompt or question. Of several about one item the last counts, and one by its `id` before any other.
    ///
    /// # Errors
    /// The file cannot be read, or answers none of the items.
    pub fn read(path: &Path, asked: &[Asked]) -> Result<Self, EvalError> {
        let index = Index::new(asked);
        let mut predictions = Self::default();
        let rows = rows(path)?;
        let mut named: HashSet<&str> = HashSet::new();
        for row in &rows {
            let adapter = row.fields.get("result").and_then(|result| result.get("adapter")?.as_str());
            predictions.adapters.extend(adapter.map(str::to_owned));
            let by_id = index.named(row);
            let mut ids = by_id.map_or_else(|| index.asking(row), |id| vec![id]);
            let Some(prediction) = prediction(row).filter(|_| !ids.is_empty()) else {
                predictions.strangers += 1;
                continue;
            };
            named.extend(by_id);
            ids.retain(|id| by_id.is_some() || !named.contains(id));
            ids.iter().for_each(|id| predictions.add(id, prediction.clone()));
        }
        if predictions.of.is_empty() && !rows.is_empty() {
            let fields = "an `id`, or audio and question of the data set, and `prediction`";
            return Err(EvalError::content(path, format!("it answers none of the items; an entry needs {fields}")));
        }
        Ok(predictions)
    }

    /// Adds what an item got. An error does not replace an answer.
    pub fn add(&mut self, id: &str, prediction: Prediction) {
        let known = self.of.get(id).is_some_and(|known| known.text.is_some());
        if prediction.text.is_some() || !known {
            self.of.insert(id.into(), prediction);
        }
    }

    /// What an item got.
    pub fn get(&self, id: &str) -> Option<&Prediction> {
        self.of.get(id)
    }
}

fn prediction(row: &Row) -> Option<Prediction> {
    if let Some(result) = row.fields.get("result") {
        let text = result.get("text").and_then(Value::as_str)?.to_owned();
        let measured = Measured::deserialize(result).ok();
        let choice = measured.as_ref().and_then(|measured| Some(measured.choice.as_ref()?.best));
        return Some(Prediction { text: Some(text), choice, error: None, measured });
    }
    let answer = ANSWERS.iter().find_map(|name| row.fields.get(*name)?.as_str());
    match (answer, row.fields.get("error")) {
        (Some(text), _) => Some(Prediction { text: Some(text.into()), ..Prediction::default() }),
        (None, Some(error)) => {
            let error = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
            Some(Prediction { error: Some(error), ..Prediction::default() })
        }
        (None, None) => {
            row.fields.get("text")?.as_str().map(|text| Prediction { text: Some(text.into()), ..Prediction::default() })
        }
    }
}

/// Finds items by what an entry says.
struct Index<'a> {
    ids: BTreeMap<&'a str, &'a Asked>,
    /// By the file's name and the question or the prompt.
    asked: HashMap<(String, String), Vec<&'a Asked>>,
}

impl<'a> Index<'a> {
    fn new(asked: &'a [Asked]) -> Self {
        let ids = asked.iter().map(|asked| (asked.item.id.as_str(), asked)).collect();
        let mut by_question: HashMap<_, Vec<&Asked>> = HashMap::new();
        for one in asked {
            let name = file_name(&one.item.audio.to_string_lossy());
            let (prompt, question) = (folded(&one.prompt), folded(&one.item.question));
            if prompt != question {
                by_question.entry((name.clone(), question)).or_default().push(one);
            }
            by_question.entry((name, prompt)).or_default().push(one);
        }
        Self { ids, asked: by_question }
    }

    /// The id of the item that an entry names.
    fn named(&self, row: &Row) -> Option<&'a str> {
        let asked = row.maybe("id").and_then(|id| self.ids.get(id.as_str()))?;
        Some(&asked.item.id)
    }

    /// The ids of the items that an entry answers by audio and question: several where they ask the same about the same audio.
    fn asking(&self, row: &Row) -> Vec<&'a str> {
        let first = |names: &[&str]| names.iter().find_map(|name| row.maybe(name));
        let (Some(audio), Some(question)) = (first(&AUDIO), first(&QUESTION)) else { return Vec::new() };
        let found = self.asked.get(&(file_name(&audio), folded(&question))).map_or(&[][..], Vec::as_slice);
        // Equal names in several folders: the longest common end decides.
        let place = Path::new(&audio);
        let common = |asked: &Asked| {
            let pairs = place.components().rev().zip(asked.item.audio.components().rev());
            pairs.take_while(|(a, b)| a == b).count()
        };
        let longest = found.iter().map(|asked| common(asked)).max();
        let nearest = found.iter().filter(|asked| Some(common(asked)) == longest);
        nearest.map(|asked| asked.item.id.as_str()).collect()
    }
}

fn file_name(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or_default().into()
}

/// A question as the model sees it: without the marker of the audio, in lower case, stripped.
fn folded(text: &str) -> String {
    text.replace("<audio>", "").to_lowercase().trim().into()
}
