//! ESC-50 (Piczak 2015): 2,000 clips of 5 s in 50 categories, all five folds.

use super::Benchmark;
use super::classification::{CLASSIFICATION, labelled, words};
use crate::{DataDir, EvalError, Item};

pub(super) const BENCHMARK: Benchmark =
    Benchmark { name: "esc50", title: "ESC-50", files: "meta/esc50.csv, audio/", read, ..CLASSIFICATION };

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let table = data.table(&["meta/esc50.csv", "esc50.csv"], true)?;
    let mut categories: Vec<String> = table.iter().map(|row| words(&row.or_empty("category"))).collect();
    categories.sort();
    categories.dedup();
    let labels: Vec<&str> = categories.iter().map(String::as_str).collect();
    let item = |row: &crate::data_dir::Row| {
        let audio = data.audio(&["audio"], &row.text("filename")?);
        Ok(labelled(audio, &words(&row.text("category")?), &labels))
    };
    table.iter().map(item).collect()
}
