/**
 * Bundles the package: its entries, the scripts of worker and audio thread, and their shared chunks, minified. `cargo xtask web` puts
 * the .wasm files beside them.
 */
const entries = ["index", "openai", "captions", "ai-sdk", "react", "ask-audio", "worker", "capture"];

/** Entries that use the main one import it as it lies beside them: apps that import both then have it once. */
const beside = (id, importer) => id === "./index.js" && importer !== undefined;

export default {
  input: Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`])),
  platform: "browser",
  external: (id, importer) => id === "react" || beside(id, importer),
  output: {
    dir: "dist/lib",
    format: "esm",
    minify: true,
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
  },
};
