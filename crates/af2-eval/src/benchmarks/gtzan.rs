//! GTZAN (Tzanetakis and Cook 2002): ten genres of music, 1,000 clips of 30 s. Labels are folders.

use super::Benchmark;
use super::classification::{CLASSIFICATION, labelled};
use crate::{DataDir, EvalError, Item};

pub(super) const BENCHMARK: Benchmark =
    Benchmark { name: "gtzan", title: "GTZAN", files: "genres/<genre>/<genre>.<number>.wav", read, ..CLASSIFICATION };

const GENRES: [&str; 10] =
    ["blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"];

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let genre = |path: &std::path::Path| {
        let folder = path.parent()?.file_name()?.to_str()?;
        GENRES.into_iter().find(|genre| *genre == folder)
    };
    let files = data.audio_files(&["genres", "genres_original", "Data/genres_original"])?;
    let item = |path: std::path::PathBuf| genre(&path).map(|genre| labelled(path, genre, &GENRES));
    Ok(files.into_iter().filter_map(item).collect())
}
