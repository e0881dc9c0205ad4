//! Checks the download sizes of the package. A visitor gets one engine, so each is counted with the shared scripts.

use crate::engine::{self, Engine};
use anyhow::{Context, Result, bail};
use flate2::{Compression, write::GzEncoder};
use std::{fs, io::Write, path::Path};

/// Largest engine, in bytes.
const WASM_LIMIT: u64 = 3_500_000;
/// Largest engine after gzip, in bytes.
const WASM_GZIP_LIMIT: u64 = 1_300_000;
/// All JavaScript of a visit, in bytes.
const SCRIPT_LIMIT: u64 = 60_000;

/// Name, bytes, limit.
type Row = (String, u64, u64);

/// Prints the sizes of the package in `lib`. Fails if one exceeds its limit.
pub fn check(lib: &Path) -> Result<()> {
    let shared = shared_script_bytes(lib)?;
    let mut too_big = Vec::new();
    for engine in engine::ALL {
        for (what, bytes, limit) in rows(lib, &engine, shared)? {
            println!("{what:<22} {bytes:>9} of {limit:>9} bytes");
            if bytes > limit {
                too_big.push(what);
            }
        }
    }
    if !too_big.is_empty() {
        bail!("too big: {}", too_big.join(", "));
    }
    Ok(())
}

/// The download sizes of a visitor with this engine.
fn rows(lib: &Path, engine: &Engine, shared: u64) -> Result<[Row; 3]> {
    let wasm = fs::read(lib.join(engine.wasm())).context("web/dist/lib lacks an engine")?;
    let glue = fs::metadata(lib.join(engine.script())).context("web/dist/lib lacks an engine's glue")?.len();
    let row = |what: &str, bytes, limit| (format!("{} {what}", engine.feature), bytes, limit);
    Ok([
        row("wasm", wasm.len() as u64, WASM_LIMIT),
        row("wasm, gzip", gzip_bytes(&wasm)?, WASM_GZIP_LIMIT),
        row("JavaScript", shared + glue, SCRIPT_LIMIT),
    ])
}

/// Bytes of all scripts but the engines' glue.
fn shared_script_bytes(lib: &Path) -> Result<u64> {
    let glue = engine::ALL.map(|engine| engine.script());
    let mut total = 0;
    for entry in fs::read_dir(lib)? {
        let path = entry?.path();
        let is_glue = glue.iter().any(|glue| path.ends_with(glue));
        if path.extension().is_some_and(|extension| extension == "js") && !is_glue {
            total += fs::metadata(&path)?.len();
        }
    }
    Ok(total)
}

fn gzip_bytes(bytes: &[u8]) -> Result<u64> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len() as u64)
}
