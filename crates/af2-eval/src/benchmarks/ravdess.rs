//! RAVDESS (Livingstone and Russo 2018), speech: eight emotions. The emotion is the third number of the name.

use super::Benchmark;
use super::classification::{CLASSIFICATION, labelled};
use crate::{DataDir, EvalError, Item};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "ravdess",
    title: "RAVDESS speech",
    files: "Actor_<nn>/03-01-<emotion>-….wav",
    read,
    ..CLASSIFICATION
};

/// In the words of the original's manifests.
const EMOTIONS: [&str; 8] = ["neutral", "calm", "happy", "sad", "angry", "fearful", "disgusted", "surprised"];

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let item = |path: std::path::PathBuf| {
        let fields: Vec<&str> = path.file_stem()?.to_str()?.split('-').collect();
        let ["03", "01", emotion, ..] = fields[..] else { return None }; // audio only, speech
        let emotion = *EMOTIONS.get(emotion.parse::<usize>().ok()?.checked_sub(1)?)?;
        Some(labelled(path.clone(), emotion, &EMOTIONS))
    };
    Ok(data.audio_files(&["audio", ""])?.into_iter().filter_map(item).collect())
}
