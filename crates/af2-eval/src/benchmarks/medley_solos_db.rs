//! Medley-solos-DB (Lostanlen and Cella 2016), test: eight instruments, clips of 3 s.

use super::Benchmark;
use super::classification::{CLASSIFICATION, labelled, words};
use crate::{DataDir, EvalError, Item};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "medley-solos-db",
    title: "Medley-solos-DB test",
    files: "Medley-solos-DB_metadata.csv, audio/Medley-solos-DB_test-<id>_<uuid4>.wav",
    read,
    ..CLASSIFICATION
};

const INSTRUMENTS: [&str; 8] = [
    "clarinet",
    "flute",
    "distorted electric guitar",
    "trumpet",
    "violin",
    "piano",
    "female singer",
    "tenor saxophone",
];

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let names = ["Medley-solos-DB_metadata.csv", "annotation/Medley-solos-DB_metadata.csv"];
    let test = |row: &crate::data_dir::Row| row.or_empty("subset") == "test";
    let item = |row: crate::data_dir::Row| {
        let name = format!("Medley-solos-DB_test-{}_{}.wav", row.text("instrument_id")?, row.text("uuid4")?);
        Ok(labelled(data.audio(&["audio", ""], &name), &words(&row.text("instrument")?), &INSTRUMENTS))
    };
    data.table(&names, true)?.into_iter().filter(test).map(item).collect()
}
