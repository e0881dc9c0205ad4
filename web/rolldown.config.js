/**
 * Bundles the package: three entries, the scripts of worker and audio thread, and their shared chunks, minified. `cargo xtask web` puts
 * the .wasm files beside them.
 */
const entries = ["index", "openai", "captions", "worker", "capture"];

export default {
  input: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])),
  platform: "browser",
  output: {
    dir: "dist/lib",
    format: "esm",
    minify: true,
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
  },
};
