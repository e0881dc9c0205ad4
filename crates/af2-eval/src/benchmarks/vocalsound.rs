//! VocalSound (Gong et al. 2022), test speakers: six vocal sounds. Speaker and label are in the name.

use std::collections::HashSet;

use super::Benchmark;
use super::classification::{CLASSIFICATION, labelled};
use crate::{DataDir, EvalError, Item, Rule};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "vocalsound",
    title: "VocalSound test",
    files: "meta/te_meta.csv, data_44k/<speaker>_<number>_<label>.wav (or audio_44k/, data_16k/, audio_16k/)",
    templates: &["builder", "af1", "lmms", "author", "readme"],
    rules: &[Rule::LabelExact, Rule::LabelContained, Rule::LmmsVocalSound],
    read,
    ..CLASSIFICATION
};

const LABELS: [&str; 6] = ["laughter", "sigh", "cough", "throat clearing", "sneeze", "sniff"];

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let speakers = data.table(&["meta/te_meta.csv", "te_meta.csv"], false)?;
    let speakers: HashSet<String> = speakers.iter().map(|row| row.or_empty("0")).collect();
    let files = data.audio_files(&["data_44k", "audio_44k", "data_16k", "audio_16k"])?;
    let item = |path: std::path::PathBuf| {
        let (speaker, rest) = path.file_stem()?.to_str()?.split_once('_')?;
        let (_, label) = rest.split_once('_')?;
        let label = LABELS.into_iter().find(|known| known.replace(' ', "") == label)?;
        speakers.contains(speaker).then(|| labelled(path.clone(), label, &LABELS))
    };
    Ok(files.into_iter().filter_map(item).collect())
}
