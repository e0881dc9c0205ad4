//! Items as the jobs of a batch: one a question, those about the same audio side by side.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use af2_eval::Asked;
use serde_json::Value;

use crate::asking::Wanted;
use crate::batch::Job;

/// Name of the field that holds an item's id.
const ID: &str = "id";

/// A job for every item; audio files are in `root`.
pub fn jobs(asked: &[Asked], root: &Path) -> Vec<Job> {
    let job = |asked: &Asked| {
        let audio = asked.item.audio.to_string_lossy().into_owned();
        let start = asked.item.audio_start;
        let mut fields = vec![(ID.to_owned(), Value::from(asked.item.id.clone())), ("audio".to_owned(), audio.into())];
        fields.extend((start > 0.0).then(|| ("audio_start".to_owned(), start.into())));
        let (audio, questions) = (root.join(&asked.item.audio), vec![asked.prompt.clone()]);
        Job { audio, start, questions, fields: fields.into() }
    };
    asked.iter().map(job).collect()
}

/// What is wanted beside the answers, found by a job's id: `more`, and with `choose` the options of every item whose options can be told
/// apart.
pub fn wanted_by_id(asked: &[Asked], choose: bool, more: &HashMap<String, Wanted>) -> impl Fn(&Job) -> Wanted + use<> {
    let distinct = |options: &[String]| {
        let mut seen = HashSet::new();
        options.iter().all(|option| !option.trim().is_empty() && seen.insert(option))
    };
    let mut wanted = more.clone();
    let known = asked.iter().filter(|asked| asked.item.answer_index().is_some() && distinct(&asked.item.options));
    for Asked { item, .. } in known.filter(|_| choose) {
        wanted.entry(item.id.clone()).or_default().options.clone_from(&item.options);
    }
    move |job| {
        let id = job.fields.iter().find(|(name, _)| name == ID).and_then(|(_, id)| id.as_str());
        id.and_then(|id| wanted.get(id)).cloned().unwrap_or_default()
    }
}
