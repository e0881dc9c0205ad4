//! Items as the jobs of a batch: one a question, those about the same audio side by side.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use af2_eval::Asked;
use serde_json::Value;

use crate::batch::Job;

/// Name of the field that holds an item's id.
const ID: &str = "id";

/// A job for every item; audio files are in `root`.
pub fn jobs(asked: &[Asked], root: &Path) -> Vec<Job> {
    let job = |asked: &Asked| {
        let audio = asked.item.audio.to_string_lossy().into_owned();
        let fields = [(ID.to_owned(), Value::from(asked.item.id.clone())), ("audio".to_owned(), audio.into())];
        Job { audio: root.join(&asked.item.audio), questions: vec![asked.prompt.clone()], fields: fields.into() }
    };
    asked.iter().map(job).collect()
}

/// The options to weigh, found by a job's id: those of items whose options can be told apart.
pub fn options_by_id(asked: &[Asked]) -> impl Fn(&Job) -> Vec<String> + 'static {
    let distinct = |options: &[String]| {
        let mut seen = HashSet::new();
        options.iter().all(|option| !option.trim().is_empty() && seen.insert(option))
    };
    let known = asked.iter().filter(|asked| asked.item.answer_index().is_some() && distinct(&asked.item.options));
    let options: HashMap<String, Vec<String>> =
        known.map(|asked| (asked.item.id.clone(), asked.item.options.clone())).collect();
    move |job| {
        let id = job.fields.iter().find(|(name, _)| name == ID).and_then(|(_, id)| id.as_str());
        id.and_then(|id| options.get(id)).cloned().unwrap_or_default()
    }
}
