//! Clotho v2 (Drossos et al. 2020), evaluation: five captions a clip.

use super::{BASE, Benchmark, CAPTIONS};
use crate::{DataDir, EvalError, Item};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "clotho",
    title: "Clotho v2 evaluation",
    files: "clotho_captions_evaluation.csv (file_name, caption_1 … caption_5), evaluation/",
    templates: CAPTIONS,
    captions: true,
    read,
    ..BASE
};

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let item = |row: crate::data_dir::Row| {
        let name = row.text("file_name")?;
        let captions = (1..=5).map(|number| row.text(&format!("caption_{number}")));
        Ok(Item {
            audio: data.audio(&["evaluation", "audio", ""], &name),
            id: name,
            question: "Caption the input audio.".into(),
            answers: captions.collect::<Result<_, _>>()?,
            ..Item::default()
        })
    };
    data.table(&["clotho_captions_evaluation.csv"], true)?.into_iter().map(item).collect()
}
