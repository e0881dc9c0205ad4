//! Builds the WebAssembly modules of the web package, each with its JavaScript glue: two engines, of which a visitor downloads one,
//! and the importer, which is downloaded only to import a model.

use crate::{run, shrink};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use wasm_bindgen_cli_support::{Bindgen, EncodeInto};

const TARGET: &str = "wasm32-unknown-unknown";

/// A WebAssembly module of the package.
#[derive(Clone, Copy)]
pub struct Module {
    /// What it is called on the command line.
    pub title: &'static str,
    /// Crate.
    package: &'static str,
    /// Feature of the crate that selects it.
    feature: Option<&'static str>,
    /// Prefix of its files' names.
    name: &'static str,
    /// Cargo profile.
    profile: &'static str,
    /// A crate that is optimised for speed in this module only.
    fast: Option<&'static str>,
    /// Compiler flags, as a TOML array.
    flags: &'static str,
    /// Level of wasm-opt.
    level: &'static str,
}

const SIMD: &str = r#"["-C", "target-feature=+simd128"]"#;

const WEBGPU: Module = Module {
    title: "webgpu",
    package: "af2-web",
    feature: Some("webgpu"),
    name: "af2",
    profile: "wasm-release",
    fast: None,
    flags: "[]",
    level: "-Oz",
};

const CPU: Module =
    Module { title: "cpu", feature: Some("cpu"), name: "af2_cpu", profile: "wasm-simd", flags: SIMD, ..WEBGPU };

/// Both engines: WebGPU, and the CPU in WebAssembly with SIMD.
pub const ENGINES: [Module; 2] = [WEBGPU, CPU];

/// Converts releases in the browser: with SIMD, and packing optimised for speed.
pub const IMPORTER: Module = Module {
    title: "import",
    package: "af2-import",
    feature: None,
    name: "af2_import",
    profile: "wasm-simd",
    fast: Some("af2-core"), // packing
    flags: SIMD,
    level: "-O3",
};

/// Every module of the package.
pub const ALL: [Module; 3] = [WEBGPU, CPU, IMPORTER];

/// burn-wgpu in place of the CPU engine, as a baseline for measurements. It compiles for minutes and is never shipped.
pub const BASELINE: Module = Module { feature: Some("burn-wgpu"), flags: "[]", ..CPU };

impl Module {
    /// File name of the glue.
    pub fn script(&self) -> String {
        format!("{}.js", self.name)
    }

    /// File name of the module.
    pub fn wasm(&self) -> String {
        format!("{}_bg.wasm", self.name)
    }

    /// Writes module and glue to web/wasm. `optimise` runs wasm-opt.
    pub fn build(&self, root: &Path, optimise: bool) -> Result<()> {
        let web = root.join("web");
        let folder = web.join("wasm");
        self.bind(&self.compile(root)?, &folder)?;
        shrink::run(&folder.join(self.script()), &folder.join(self.wasm()))?;
        if optimise { self.optimise(&web) } else { Ok(()) }
    }

    /// Compiles the crate. Returns the path of the raw module.
    fn compile(&self, root: &Path) -> Result<PathBuf> {
        let flags = format!("target.{TARGET}.rustflags={}", self.flags);
        let fast = self.fast.map(|fast| format!("profile.{}.package.{fast}.opt-level=3", self.profile));
        let mut arguments = vec!["build", "--package", self.package, "--target", TARGET, "--profile", self.profile];
        for line in [Some(&flags), fast.as_ref()].into_iter().flatten() {
            arguments.extend(["--config", line]);
        }
        if let Some(feature) = self.feature {
            arguments.extend(["--no-default-features", "--features", feature]);
        }
        run::run(root, "cargo", &arguments)?;
        let file = format!("{}.wasm", self.package.replace('-', "_"));
        Ok(run::target(root).join(TARGET).join(self.profile).join(file))
    }

    /// Generates the JavaScript glue, by the library of wasm-bindgen, so that no tool must be installed.
    fn bind(&self, wasm: &Path, out: &Path) -> Result<()> {
        let mut bindgen = Bindgen::new();
        bindgen.input_path(wasm).out_name(self.name).web(true)?.typescript(true).encode_into(EncodeInto::Always);
        bindgen.generate(out).with_context(|| format!("wasm-bindgen failed on {}", wasm.display()))
    }

    /// Runs wasm-opt. The features are those that rustc emits and all current browsers have; `--all-features` makes files
    /// that browsers reject.
    fn optimise(&self, web: &Path) -> Result<()> {
        let module = format!("wasm/{}", self.wasm());
        let mut arguments = vec!["node_modules/binaryen/bin/wasm-opt", &module, "-o", &module, self.level];
        arguments.extend(["--enable-bulk-memory", "--enable-nontrapping-float-to-int", "--enable-sign-ext"]);
        arguments.extend(["--enable-mutable-globals", "--enable-reference-types", "--enable-multivalue"]);
        arguments.push("--enable-simd");
        run::run(web, "node", &arguments)
    }
}
