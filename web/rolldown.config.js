/** Bundles the package: three entries and their shared chunks, minified. `cargo xtask web` puts the .wasm files beside them. */
export default {
  input: { index: "src/index.ts", worker: "src/worker.ts", openai: "src/openai.ts" },
  platform: "browser",
  output: {
    dir: "dist/lib",
    format: "esm",
    minify: true,
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
  },
};
