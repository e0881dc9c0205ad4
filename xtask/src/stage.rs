//! What lies beside the page: shipped models and sample sounds, with the lists that the page reads.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Sounds of the test fixtures that are offered while no model brings its own: file and title.
const FIXTURE_SOUNDS: [(&str, &str); 4] = [
    ("speech_16k_mono.wav", "Speech"),
    ("stereo_44k1_12s7.flac", "Two channels"),
    ("sweep_48k_24bit_25s.flac", "A sweep"),
    ("long_8k_127s.flac", "Two minutes"),
];

/// Copies every model of weights/ to `page`/models and the samples to `page`/samples.
pub fn run(root: &Path, page: &Path) -> Result<()> {
    let models = shipped_models(&root.join("weights"))?;
    let listed = models.iter().map(|folder| stage_model(folder, &page.join("models"))).collect::<Result<Vec<_>>>()?;
    write_list(&page.join("models/models.json"), &listed)?;
    let samples = page.join("samples");
    let own = models.iter().map(|folder| folder.join("samples")).find(|folder| folder.join("samples.json").exists());
    match own {
        Some(folder) => copy_files(&folder, &samples),
        None => stage_fixtures(&root.join("tests/fixtures/inputs"), &samples),
    }
}

/// The folders of weights/ that hold a converted model; the demonstration comes first.
fn shipped_models(weights: &Path) -> Result<Vec<PathBuf>> {
    let Ok(entries) = fs::read_dir(weights) else { return Ok(Vec::new()) };
    let folders = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let is_model =
        |folder: &PathBuf| folder.join("model.safetensors.index.json").exists() && !folder.ends_with("local");
    let mut models: Vec<PathBuf> = folders.into_iter().filter(is_model).collect();
    models.sort_by_key(|folder| (!folder.ends_with("demo"), folder.clone()));
    Ok(models)
}

/// Copies one model and returns its line of the list.
fn stage_model(folder: &Path, models: &Path) -> Result<Value> {
    let name = folder.file_name().context("a model folder has a name")?.to_string_lossy().into_owned();
    copy_files(folder, &models.join(&name))?;
    let config: Value = serde_json::from_slice(&fs::read(folder.join("config.json"))?)?;
    let title = config["name"].as_str().unwrap_or(&name).to_owned();
    Ok(json!({ "title": title, "url": format!("models/{name}/") }))
}

fn stage_fixtures(inputs: &Path, samples: &Path) -> Result<()> {
    fs::create_dir_all(samples)?;
    let mut listed = Vec::new();
    for (file, title) in FIXTURE_SOUNDS {
        fs::copy(inputs.join(file), samples.join(file)).with_context(|| format!("cannot copy {file}"))?;
        listed.push(json!({ "title": title, "url": format!("samples/{file}"), "suggestions": [] }));
    }
    write_list(&samples.join("samples.json"), &listed)
}

/// Copies the plain files of a folder, but no subfolders.
fn copy_files(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            fs::copy(&path, to.join(name)).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}

fn write_list(file: &Path, entries: &[Value]) -> Result<()> {
    fs::create_dir_all(file.parent().context("a list lies in a folder")?)?;
    fs::write(file, serde_json::to_vec_pretty(entries)?)?;
    Ok(())
}
