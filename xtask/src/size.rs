//! What a visitor downloads, and the limits it must keep.

use anyhow::{Context, Result, bail};
use flate2::{Compression, write::GzEncoder};
use std::{fs, io::Write, path::Path};

/// Largest engine, in bytes.
const WASM_LIMIT: u64 = 3_500_000;
/// Largest engine after gzip, in bytes.
const WASM_GZIP_LIMIT: u64 = 1_300_000;
/// All JavaScript of the package together, in bytes.
const SCRIPT_LIMIT: u64 = 60_000;

/// Prints the sizes of the package in `lib` and fails when one exceeds its limit.
pub fn check(lib: &Path) -> Result<()> {
    let wasm = fs::read(lib.join("af2_bg.wasm")).context("web/dist/lib holds no engine")?;
    let scripts = script_bytes(lib)?;
    let rows = [
        ("wasm", wasm.len() as u64, WASM_LIMIT),
        ("wasm, gzip", gzip_bytes(&wasm)?, WASM_GZIP_LIMIT),
        ("JavaScript", scripts, SCRIPT_LIMIT),
    ];
    let mut too_big = Vec::new();
    for (what, bytes, limit) in rows {
        println!("{what:<12} {bytes:>9} of {limit:>9} bytes");
        if bytes > limit {
            too_big.push(what);
        }
    }
    if !too_big.is_empty() {
        bail!("too big: {}", too_big.join(", "));
    }
    Ok(())
}

fn script_bytes(folder: &Path) -> Result<u64> {
    let mut total = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "js") {
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
