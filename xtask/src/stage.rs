//! Copies the shipped models and sounds beside the page, and writes the lists that the page reads.

use crate::shipped::{self, Model, Sound};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// Copies the shipped models to `page`/models and the sounds to `page`/samples.
pub fn run(root: &Path, page: &Path) -> Result<()> {
    let models = shipped::models(root);
    let listed = models.iter().map(|model| stage_model(root, model, page)).collect::<Result<Vec<_>>>()?;
    write_list(&page.join("models/models.json"), &listed)?;
    let sounds = shipped::sounds(root)?;
    let listed = sounds.iter().map(|sound| stage_sound(root, sound, page)).collect::<Result<Vec<_>>>()?;
    write_list(&page.join("samples/samples.json"), &listed)
}

/// Copies the files of a model. Returns its entry of the list.
fn stage_model(root: &Path, Model { name, folder }: &Model, page: &Path) -> Result<Value> {
    let (from, to) = (root.join(folder), page.join("models").join(name));
    fs::create_dir_all(&to)?;
    for entry in fs::read_dir(&from)? {
        let path = entry?.path();
        if let (true, Some(file)) = (path.is_file(), path.file_name()) {
            fs::copy(&path, to.join(file)).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    let config: Value = serde_json::from_slice(&fs::read(from.join("config.json"))?)?;
    Ok(json!({ "title": config["name"].as_str().unwrap_or(name), "url": format!("models/{name}/") }))
}

/// Copies a sound. Returns its entry of the list.
fn stage_sound(root: &Path, sound: &Sound, page: &Path) -> Result<Value> {
    let file = sound.path.file_name().context("a sound has a file name")?.to_string_lossy();
    let samples = page.join("samples");
    fs::create_dir_all(&samples)?;
    fs::copy(root.join(&sound.path), samples.join(&*file))
        .with_context(|| format!("cannot copy {}", sound.path.display()))?;
    Ok(json!({ "title": sound.title, "url": format!("samples/{file}"), "suggestions": sound.suggestions() }))
}

fn write_list(file: &Path, entries: &[Value]) -> Result<()> {
    fs::create_dir_all(file.parent().context("a list lies in a folder")?)?;
    fs::write(file, serde_json::to_vec_pretty(entries)?)?;
    Ok(())
}
