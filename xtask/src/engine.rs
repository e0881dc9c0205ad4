//! The two engines of the web, each a WebAssembly module with its JavaScript glue: a visitor downloads one of them.

use crate::{run, shrink};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use wasm_bindgen_cli_support::{Bindgen, EncodeInto};

const TARGET: &str = "wasm32-unknown-unknown";

/// An engine of `af2-web`.
pub struct Engine {
    /// The crate's feature that chooses it.
    pub feature: &'static str,
    /// What its files' names begin with.
    name: &'static str,
    /// The profile it is compiled with.
    profile: &'static str,
    /// Flags of the compiler, as an array of TOML.
    flags: &'static str,
}

/// Both; the first is what most visitors get. The other does its arithmetic in WebAssembly, so that it wants vectors.
pub const ALL: [Engine; 2] = [
    Engine { feature: "webgpu", name: "af2", profile: "wasm-release", flags: "[]" },
    Engine {
        feature: "processor",
        name: "af2_processor",
        profile: "wasm-processor",
        flags: r#"["-C", "target-feature=+simd128"]"#,
    },
];

/// burn-wgpu in the place of the processor, to be measured beside the engine: minutes of compiling, and nothing to be shipped.
pub const RIVAL: Engine =
    Engine { feature: "burn-wgpu", name: "af2_processor", profile: "wasm-processor", flags: "[]" };

impl Engine {
    /// File name of the glue.
    pub fn script(&self) -> String {
        format!("{}.js", self.name)
    }

    /// File name of the module.
    pub fn wasm(&self) -> String {
        format!("{}_bg.wasm", self.name)
    }

    /// Compiles module and glue into web/wasm; `optimise` runs wasm-opt over it.
    pub fn build(&self, root: &Path, optimise: bool) -> Result<()> {
        let web = root.join("web");
        let folder = web.join("wasm");
        self.bind(&self.compile(root)?, &folder)?;
        shrink::run(&folder.join(self.script()), &folder.join(self.wasm()))?;
        if optimise { self.optimise(&web) } else { Ok(()) }
    }

    /// Compiles the crate and returns the path of the raw module.
    fn compile(&self, root: &Path) -> Result<PathBuf> {
        let flags = format!("target.{TARGET}.rustflags={}", self.flags);
        let mut arguments =
            vec!["build", "--config", &flags, "--package", "af2-web", "--target", TARGET, "--profile", self.profile];
        arguments.extend(["--no-default-features", "--features", self.feature]);
        run::run(root, "cargo", &arguments)?;
        Ok(run::target(root).join(TARGET).join(self.profile).join("af2_web.wasm"))
    }

    /// Generates the JavaScript glue; needs no tool on the machine and cannot be of another version than the crate.
    fn bind(&self, wasm: &Path, out: &Path) -> Result<()> {
        let mut bindgen = Bindgen::new();
        bindgen.input_path(wasm).out_name(self.name).web(true)?.typescript(true).encode_into(EncodeInto::Always);
        bindgen.generate(out).with_context(|| format!("wasm-bindgen failed on {}", wasm.display()))
    }

    /// Shrinks the module. The features are the ones that rustc emits and every browser of these years has; `--all-features`
    /// would make files that browsers reject.
    fn optimise(&self, web: &Path) -> Result<()> {
        let module = format!("wasm/{}", self.wasm());
        let mut arguments = vec!["node_modules/binaryen/bin/wasm-opt", &module, "-o", &module, "-Oz"];
        arguments.extend(["--enable-bulk-memory", "--enable-nontrapping-float-to-int", "--enable-sign-ext"]);
        arguments.extend(["--enable-mutable-globals", "--enable-reference-types", "--enable-multivalue"]);
        arguments.push("--enable-simd");
        run::run(web, "node", &arguments)
    }
}
