//! Our package beside others in a tab of Chromium.

use super::{Places, ROUNDS, in_turn, json_of, llama, table::Row};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::process::Command;

/// The versions that were measured in the speed log.
const WLLAMA: &str = "3.13.0";
const ONNX_RUNTIME: &str = "1.30.0";

/// A token of the 0.5B on one thread of the CPU beside wllama, llama.cpp as WebAssembly, per weight as in [`llama::decoding`].
pub fn on_the_cpu(places: &Places) -> Result<Vec<Row>> {
    let (text, all) = llama::weights(&places.config).context("config.json lacks a dimension")?;
    llama::gguf(places)?;
    let packages = places.npm("wllama", &[format!("@wllama/wllama@{WLLAMA}")])?.join("node_modules");
    let esm = packages.join("@wllama/wllama/esm").display().to_string();
    let mut theirs = tab(places, "wllama", &[("wllama", &esm), ("gguf", &places.folder.display().to_string())])?;
    let [ours, theirs] = in_turn(&mut ours(places, "ours_cpu")?, &mut theirs, ROUNDS)?;
    let per_weight = |runs: &[Value], weights: f64| 1e9 * super::least(runs, "token") / weights;
    Ok(vec![Row {
        what: "a token of the 0.5B at 4 bits in a tab on one thread of the CPU, per weight".to_owned(),
        baseline: "wllama",
        unit: "ns",
        ours: per_weight(&ours, all),
        theirs: per_weight(&theirs, text),
        target: 1.0,
    }])
}

/// Decoding with the 0.5B on WebGPU, all of it, beside ONNX Runtime Web's matmuls alone, with the shapes of its feed-forward network; both per
/// weight. A token is one row, 40 tokens of a prompt are 40.
pub fn on_webgpu(places: &Places) -> Result<Vec<Row>> {
    let (_, all) = llama::weights(&places.config).context("config.json lacks a dimension")?;
    let without_head = all - llama::head(&places.config).context("config.json lacks a dimension")?;
    let packages = places.npm("onnxruntime", &[format!("onnxruntime-web@{ONNX_RUNTIME}")])?.join("node_modules");
    let mut theirs = tab(places, "ort", &[("ort", &packages.join("onnxruntime-web/dist").display().to_string())])?;
    let (theirs, ours) = (json_of(&mut theirs)?, json_of(&mut ours(places, "ours_gpu")?)?);
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let row = |what: &str, ours: f64, theirs: &Value| Row {
        what: format!("{what}, WebGPU in a tab, per weight"),
        baseline: "ONNX Runtime Web, matmuls only",
        unit: "ns",
        ours: 1e9 * ours,
        theirs: 1e9 * number(theirs),
        target: 1.0,
    };
    Ok(vec![
        row("a token of the 0.5B at 4 bits, all of it", number(&ours["token"]) / all, &theirs["1"]),
        // Of a prompt only the last token is multiplied with the head.
        row("40 tokens of a prompt, all of it", 40.0 * number(&ours["prompt"]) / without_head, &theirs["40"]),
    ])
}

/// One of our engines, as the package in web/dist has it.
fn ours(places: &Places, module: &str) -> Result<Command> {
    let package = places.root.join("web/dist/lib");
    ensure!(package.join("index.js").exists(), "web/dist is missing: `cargo xtask web` builds it");
    tab(places, module, &[("ours", &package.display().to_string()), ("model", &places.model.display().to_string())])
}

/// A module of tests/speed/web in a tab, with folders served under these paths.
fn tab(places: &Places, module: &str, served: &[(&str, &str)]) -> Result<Command> {
    let tests = places.root.join("tests/browser/node_modules/playwright-core");
    ensure!(tests.exists(), "Playwright is missing: `npm ci` in tests/browser installs it");
    let mut command = Command::new("node");
    command.arg(places.root.join("tests/speed/web/tab.mjs")).arg(module);
    command.args(served.iter().map(|(path, folder)| format!("{path}={folder}")));
    Ok(command)
}
