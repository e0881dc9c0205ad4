//! CochlScene (Jeong and Park 2022), test: 13 acoustic scenes. Labels are folders.

use super::Benchmark;
use super::classification::{CLASSIFICATION, labelled};
use crate::{DataDir, EvalError, Item};

pub(super) const BENCHMARK: Benchmark =
    Benchmark { name: "cochlscene", title: "CochlScene test", files: "Test/<scene>/*.wav", read, ..CLASSIFICATION };

const SCENES: [&str; 13] = [
    "bus",
    "cafe",
    "car",
    "crowdedindoor",
    "elevator",
    "kitchen",
    "park",
    "residentialarea",
    "restaurant",
    "restroom",
    "street",
    "subway",
    "subwaystation",
];

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let files = data.audio_files(&["Test", "CochlScene/Test", "test"])?;
    let item = |path: std::path::PathBuf| {
        let folder = path.parent()?.file_name()?.to_str()?.to_lowercase().replace(['_', ' ', '-'], "");
        SCENES.into_iter().find(|scene| *scene == folder).map(|scene| labelled(path, scene, &SCENES))
    };
    Ok(files.into_iter().filter_map(item).collect())
}
