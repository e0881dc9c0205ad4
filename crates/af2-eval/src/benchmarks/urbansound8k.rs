//! UrbanSound8K (Salamon et al. 2014): 8,732 clips in ten classes, all folds.

use super::Benchmark;
use super::classification::{CLASSIFICATION, labelled, words};
use crate::{DataDir, EvalError, Item};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "urbansound8k",
    title: "UrbanSound8K",
    files: "metadata/UrbanSound8K.csv, audio/fold<n>/",
    read,
    ..CLASSIFICATION
};

const CLASSES: [&str; 10] = [
    "air conditioner",
    "car horn",
    "children playing",
    "dog bark",
    "drilling",
    "engine idling",
    "gun shot",
    "jackhammer",
    "siren",
    "street music",
];

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let item = |row: crate::data_dir::Row| {
        let name = format!("fold{}/{}", row.text("fold")?, row.text("slice_file_name")?);
        Ok(labelled(data.audio(&["audio"], &name), &words(&row.text("class")?), &CLASSES))
    };
    data.table(&["metadata/UrbanSound8K.csv", "UrbanSound8K.csv"], true)?.into_iter().map(item).collect()
}
