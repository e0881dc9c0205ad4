//! `cargo xtask web`: builds wasm, npm package and page into web/dist.

use crate::engine::{self, Module};
use crate::{prepare, run, size, stage};
use anyhow::{Result, bail};
use clap::Args;
use std::{fs, path::Path};

/// Options of `cargo xtask web`.
#[derive(Args)]
#[group(id = "web")] // `serve` holds these options beside its own
pub struct Options {
    /// Skip wasm-opt: faster build, larger modules
    #[arg(long)]
    quick: bool,
    /// Use the modules in web/wasm as they are
    #[arg(long)]
    skip_wasm: bool,
    /// Build this module only; use the others in web/wasm as they are
    #[arg(long, conflicts_with = "skip_wasm", value_parser = engine::ALL.map(|module| module.title))]
    module: Option<String>,
    /// Build burn-wgpu in place of the CPU engine, for measurements with tests/browser/bench.config.ts
    #[arg(long, conflicts_with_all = ["skip_wasm", "module"])]
    baseline: bool,
    /// Install what is missing without asking
    #[arg(long)]
    yes: bool,
}

/// Installs what is missing, builds package and page, and checks the sizes.
pub fn run(options: &Options) -> Result<()> {
    prepare::node()?;
    if !options.skip_wasm {
        prepare::ensure(&[prepare::WASM], options.yes)?;
    }
    let root = run::root();
    let web = root.join("web");
    install(&web)?;
    if !options.skip_wasm {
        let wanted = |module: &&Module| options.module.as_ref().is_none_or(|title| title == module.title);
        let modules: Vec<&Module> = engine::ALL.iter().filter(wanted).collect();
        for (number, module) in modules.iter().enumerate() {
            let (count, title) = (modules.len(), module.title);
            eprintln!("== WebAssembly {}/{count}: {title} (the first build compiles for minutes)", number + 1);
            module.build(&root, !options.quick)?;
        }
        if options.baseline {
            engine::BASELINE.build(&root, !options.quick)?;
        }
    }
    eprintln!("== package: web/dist/lib");
    package(&web)?;
    eprintln!("== page: web/dist/page");
    page(&root)?;
    if options.quick {
        return Ok(());
    }
    size::check(&web.join("dist/lib"))
}

/// Installs the packages of web/package-lock.json, if that file changed.
fn install(web: &Path) -> Result<()> {
    let installed = web.join("node_modules/.package-lock.json");
    let fresh = match (fs::metadata(&installed), fs::metadata(web.join("package-lock.json"))) {
        (Ok(have), Ok(want)) => have.modified()? >= want.modified()?,
        _ => false,
    };
    if fresh { Ok(()) } else { run::run(web, "npm", &["ci", "--no-audit", "--no-fund"]) }
}

/// Builds web/dist/lib: checks types, writes declarations, bundles the modules, adds the WebAssembly and the licences.
fn package(web: &Path) -> Result<()> {
    let lib = web.join("dist/lib");
    if lib.exists() {
        fs::remove_dir_all(&lib)?;
    }
    run::run(web, "node", &["node_modules/typescript/bin/tsc", "--project", "tsconfig.lib.json"])?;
    run::run(web, "node", &["node_modules/rolldown/bin/cli.mjs", "--config", "rolldown.config.js"])?;
    for module in engine::ALL {
        fs::copy(web.join("wasm").join(module.wasm()), lib.join(module.wasm()))?;
    }
    for licence in ["LICENSE", "LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(run::root().join(licence), lib.join(licence))?; // both licences ask to go with every copy
    }
    Ok(())
}

/// Builds web/dist/page: a static folder with the page, the shipped models and the sounds.
fn page(root: &Path) -> Result<()> {
    let web = root.join("web");
    if !root.join("index.html").exists() {
        bail!("index.html is missing in {}", root.display());
    }
    for project in ["tsconfig.page.json", "offline"] {
        run::run(&web, "node", &["node_modules/typescript/bin/tsc", "--project", project])?;
    }
    run::run(&web, "node", &["node_modules/vite/bin/vite.js", "build", "--config", "vite.config.js"])?;
    stage::run(root, &web.join("dist/page"))
}
