//! `cargo xtask web`: wasm, npm package and page from a clean tree into web/dist.

use crate::{run, shrink, size, stage};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::{
    fs,
    path::{Path, PathBuf},
};
use wasm_bindgen_cli_support::{Bindgen, EncodeInto};

const TARGET: &str = "wasm32-unknown-unknown";

/// Options of `cargo xtask web`.
#[derive(Args)]
#[group(id = "web")] // `serve` holds these options beside its own
pub struct Options {
    /// Leave out wasm-opt: a bigger engine, sooner
    #[arg(long)]
    quick: bool,
    /// Use the engine that web/wasm already holds
    #[arg(long)]
    skip_wasm: bool,
}

/// Builds everything a browser loads and checks its size.
pub fn run(options: &Options) -> Result<()> {
    let root = run::root();
    let web = root.join("web");
    install(&web)?;
    if !options.skip_wasm {
        let wasm = compile(&root)?;
        bind(&wasm, &web.join("wasm"))?;
        shrink::run(&web.join("wasm"))?;
        if !options.quick {
            optimise(&web)?;
        }
    }
    package(&web)?;
    page(&root)?;
    if options.quick {
        return Ok(());
    }
    size::check(&web.join("dist/lib"))
}

/// The packages of web/package-lock.json, fetched only when that file changed.
fn install(web: &Path) -> Result<()> {
    let installed = web.join("node_modules/.package-lock.json");
    let fresh = match (fs::metadata(&installed), fs::metadata(web.join("package-lock.json"))) {
        (Ok(have), Ok(want)) => have.modified()? >= want.modified()?,
        _ => false,
    };
    if fresh { Ok(()) } else { run::run(web, "npm", &["ci", "--no-audit", "--no-fund"]) }
}

/// Compiles the wasm crate and returns the path of the raw module.
fn compile(root: &Path) -> Result<PathBuf> {
    let arguments = ["build", "--package", "af2-web", "--target", TARGET, "--profile", "wasm-release"];
    run::run(root, "cargo", &arguments)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join(TARGET).join("wasm-release/af2_web.wasm"))
}

/// Generates the JavaScript glue; needs no tool on the machine and cannot be of another version than the crate.
fn bind(wasm: &Path, out: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).out_name("af2").web(true)?.typescript(true).encode_into(EncodeInto::Always);
    bindgen.generate(out).with_context(|| format!("wasm-bindgen failed on {}", wasm.display()))
}

/// Shrinks the module. The features are the ones that rustc emits and every WebGPU browser has; `--all-features` would
/// make files that browsers reject.
fn optimise(web: &Path) -> Result<()> {
    let module = "wasm/af2_bg.wasm";
    let mut arguments = vec!["node_modules/binaryen/bin/wasm-opt", module, "-o", module, "-Oz"];
    arguments.extend(["--enable-bulk-memory", "--enable-nontrapping-float-to-int", "--enable-sign-ext"]);
    arguments.extend(["--enable-mutable-globals", "--enable-reference-types", "--enable-multivalue"]);
    run::run(web, "node", &arguments)
}

/// web/dist/lib: type-checks, writes the declarations, bundles the modules, adds the engine.
fn package(web: &Path) -> Result<()> {
    let lib = web.join("dist/lib");
    if lib.exists() {
        fs::remove_dir_all(&lib)?;
    }
    run::run(web, "node", &["node_modules/typescript/bin/tsc", "--project", "tsconfig.lib.json"])?;
    run::run(web, "node", &["node_modules/rolldown/bin/cli.mjs", "--config", "rolldown.config.js"])?;
    fs::copy(web.join("wasm/af2_bg.wasm"), lib.join("af2_bg.wasm"))?;
    Ok(())
}

/// web/dist/page: the page as a static folder, with the shipped models and sounds beside it.
fn page(root: &Path) -> Result<()> {
    let web = root.join("web");
    if !root.join("index.html").exists() {
        bail!("index.html is missing in {}", root.display());
    }
    run::run(&web, "node", &["node_modules/typescript/bin/tsc", "--project", "tsconfig.page.json"])?;
    run::run(&web, "node", &["node_modules/vite/bin/vite.js", "build", "--config", "vite.config.js"])?;
    stage::run(root, &web.join("dist/page"))
}
