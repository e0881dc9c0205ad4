//! NonSpeech7k (Rashid et al. 2023), test: seven human sounds. The file is the table's first column, its class the fifth.

use super::Benchmark;
use super::classification::{CLASSIFICATION, labelled, words};
use crate::{DataDir, EvalError, Item};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "nonspeech7k",
    title: "NonSpeech7k test",
    files: "metadata of test set.csv, test/",
    read,
    ..CLASSIFICATION
};

const CLASSES: [&str; 7] = ["cough", "breath", "screaming", "laugh", "sneeze", "yawn", "crying"];

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let table = data.table(&["metadata of test set.csv"], false)?;
    let item = |row: &crate::data_dir::Row| {
        let audio = data.audio(&["test", "audio", ""], &row.text("0")?);
        let class = words(&row.text("4")?);
        let known = CLASSES.contains(&class.as_str());
        if known {
            Ok(labelled(audio, &class, &CLASSES))
        } else {
            Err(row.wrong(format_args!("no class is `{class}`")))
        }
    };
    table.iter().skip(1).map(item).collect() // the header
}
