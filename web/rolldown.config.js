/** The package: three entries and what they share, minified; the engine's .wasm is put beside them by the build. */
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
