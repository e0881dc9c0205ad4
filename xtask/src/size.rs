//! Checks the download sizes of the package. A visitor gets one engine, so each is counted with the shared scripts; who imports a
//! model also gets the importer.

use crate::engine::{self, Module};
use anyhow::{Context, Result, bail};
use flate2::{Compression, write::GzEncoder};
use std::{fs, io::Write, path::Path};

/// Largest engine, in bytes.
const WASM_LIMIT: u64 = 3_500_000;
/// Largest engine after gzip, in bytes.
const WASM_GZIP_LIMIT: u64 = 1_300_000;
/// JavaScript of a visit that loads a model, listens and asks, in bytes.
const SCRIPT_LIMIT: u64 = 80_000;
/// JavaScript that is fetched only where it is used, in bytes.
const OPTIONAL_SCRIPT_LIMIT: u64 = 42_000;

/// Scripts of captions, indexes and live listening, of several questions at once, of measurements, self-test and models shared by tabs, of
/// caption files, of browsers without synchronous file access, of the adapters for OpenAI's interface, the AI SDK and React, and of the web component.
const OPTIONAL_SCRIPTS: [&str; 22] = [
    "ai-sdk.js",
    "ask-audio.js",
    "call-captions.js",
    "call-index.js",
    "call-live.js",
    "call-questions.js",
    "captions.js",
    "capture.js",
    "clip-cache.js",
    "openai.js",
    "react.js",
    "self-test.js",
    "serve-bench.js",
    "serve-cache.js",
    "serve-captions.js",
    "serve-index.js",
    "serve-live.js",
    "serve-questions.js",
    "shared-connection.js",
    "shared-host.js",
    "store-cache-api.js",
    "tasks.js",
];

/// Largest importer, in bytes.
const IMPORTER_LIMIT: u64 = 1_900_000;
/// Largest importer after gzip, in bytes.
const IMPORTER_GZIP_LIMIT: u64 = 740_000;
/// JavaScript that an import adds, in bytes.
const IMPORTER_SCRIPT_LIMIT: u64 = 22_000;

/// Scripts that only an import fetches, beside the glue of its module.
const IMPORTER_SCRIPTS: [&str; 2] = ["importer.js", "local-release.js"];

/// Name, bytes, limit.
type Row = (String, u64, u64);

/// Prints the sizes of the package in `lib`. Fails if one exceeds its limit.
pub fn check(lib: &Path) -> Result<()> {
    let mut rows = Vec::new();
    let shared = shared_script_bytes(lib)?;
    for engine in engine::ENGINES {
        let script = shared + bytes(lib, &engine.script())?;
        rows.extend(sizes(lib, &engine, [WASM_LIMIT, WASM_GZIP_LIMIT], (script, SCRIPT_LIMIT))?);
    }
    let optional = OPTIONAL_SCRIPTS.into_iter().map(|script| bytes(lib, script)).sum::<Result<u64>>()?;
    rows.push(("optional JavaScript".into(), optional, OPTIONAL_SCRIPT_LIMIT));
    let scripts = IMPORTER_SCRIPTS.into_iter().map(|script| bytes(lib, script)).sum::<Result<u64>>()?;
    let script = scripts + bytes(lib, &engine::IMPORTER.script())?;
    let limits = [IMPORTER_LIMIT, IMPORTER_GZIP_LIMIT];
    rows.extend(sizes(lib, &engine::IMPORTER, limits, (script, IMPORTER_SCRIPT_LIMIT))?);

    let mut too_big = Vec::new();
    for (what, bytes, limit) in rows {
        println!("{what:<22} {bytes:>9} of {limit:>9} bytes");
        if bytes > limit {
            too_big.push(what);
        }
    }
    if !too_big.is_empty() {
        bail!("too big: {}", too_big.join(", "));
    }
    Ok(())
}

/// Sizes of a module and of the scripts (bytes, limit) that go with it.
fn sizes(lib: &Path, module: &Module, [wasm, gzip]: [u64; 2], (script, scripts): (u64, u64)) -> Result<[Row; 3]> {
    let content = fs::read(lib.join(module.wasm())).with_context(|| format!("web/dist/lib lacks {}", module.wasm()))?;
    let row = |what: &str, bytes, limit| (format!("{} {what}", module.title), bytes, limit);
    Ok([
        row("wasm", content.len() as u64, wasm),
        row("wasm, gzip", gzip_bytes(&content)?, gzip),
        row("JavaScript", script, scripts),
    ])
}

/// Bytes of all scripts that every visit may fetch, but the engines' glue.
fn shared_script_bytes(lib: &Path) -> Result<u64> {
    let glue = engine::ALL.map(|module| module.script());
    let mut total = 0;
    for entry in fs::read_dir(lib)? {
        let path = entry?.path();
        let counted_apart = |name: &str| {
            glue.iter().any(|glue| glue == name) || IMPORTER_SCRIPTS.contains(&name) || OPTIONAL_SCRIPTS.contains(&name)
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".js") && !counted_apart(&name) {
            total += fs::metadata(&path)?.len();
        }
    }
    Ok(total)
}

fn bytes(lib: &Path, file: &str) -> Result<u64> {
    Ok(fs::metadata(lib.join(file)).with_context(|| format!("web/dist/lib lacks {file}"))?.len())
}

fn gzip_bytes(bytes: &[u8]) -> Result<u64> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len() as u64)
}
