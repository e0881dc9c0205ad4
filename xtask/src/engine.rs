//! Builds the two web engines. Each is a WebAssembly module with its JavaScript glue; a visitor downloads one of them.

use crate::{run, shrink};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use wasm_bindgen_cli_support::{Bindgen, EncodeInto};

const TARGET: &str = "wasm32-unknown-unknown";

/// An engine of `af2-web`.
pub struct Engine {
    /// Feature of `af2-web` that selects it.
    pub feature: &'static str,
    /// Prefix of its files' names.
    name: &'static str,
    /// Cargo profile.
    profile: &'static str,
    /// Compiler flags, as a TOML array.
    flags: &'static str,
}

/// Both engines: WebGPU, and the CPU in WebAssembly with SIMD.
pub const ALL: [Engine; 2] = [
    Engine { feature: "webgpu", name: "af2", profile: "wasm-release", flags: "[]" },
    Engine { feature: "cpu", name: "af2_cpu", profile: "wasm-cpu", flags: r#"["-C", "target-feature=+simd128"]"# },
];

/// burn-wgpu in place of the CPU engine, as a baseline for measurements. It compiles for minutes and is never shipped.
pub const BASELINE: Engine = Engine { feature: "burn-wgpu", name: "af2_cpu", profile: "wasm-cpu", flags: "[]" };

impl Engine {
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
        let mut arguments =
            vec!["build", "--config", &flags, "--package", "af2-web", "--target", TARGET, "--profile", self.profile];
        arguments.extend(["--no-default-features", "--features", self.feature]);
        run::run(root, "cargo", &arguments)?;
        Ok(run::target(root).join(TARGET).join(self.profile).join("af2_web.wasm"))
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
        let mut arguments = vec!["node_modules/binaryen/bin/wasm-opt", &module, "-o", &module, "-Oz"];
        arguments.extend(["--enable-bulk-memory", "--enable-nontrapping-float-to-int", "--enable-sign-ext"]);
        arguments.extend(["--enable-mutable-globals", "--enable-reference-types", "--enable-multivalue"]);
        arguments.push("--enable-simd");
        run::run(web, "node", &arguments)
    }
}
