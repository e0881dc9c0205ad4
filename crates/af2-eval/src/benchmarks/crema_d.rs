//! CREMA-D (Cao et al. 2014): six emotions of acted speech. The emotion is in the name.

use super::Benchmark;
use super::classification::{CLASSIFICATION, labelled};
use crate::{DataDir, EvalError, Item};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "crema-d",
    title: "CREMA-D",
    files: "AudioWAV/<actor>_<sentence>_<EMOTION>_<level>.wav",
    read,
    ..CLASSIFICATION
};

/// In the words of the original's manifests.
const EMOTIONS: [(&str, &str); 6] =
    [("ANG", "angry"), ("DIS", "disgusted"), ("FEA", "fearful"), ("HAP", "happy"), ("NEU", "neutral"), ("SAD", "sad")];

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let labels = EMOTIONS.map(|(_, emotion)| emotion);
    let item = |path: std::path::PathBuf| {
        let code = path.file_stem()?.to_str()?.split('_').nth(2)?;
        let (_, emotion) = EMOTIONS.iter().find(|(known, _)| *known == code)?;
        Some(labelled(path.clone(), emotion, &labels))
    };
    Ok(data.audio_files(&["AudioWAV", "audio"])?.into_iter().filter_map(item).collect())
}
