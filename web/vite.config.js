/** Builds the page from the repository's index.html to a static folder that works under any path. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here(".."),
  base: "./",
  publicDir: false,
  resolve: {
    alias: {
      "audio-flamingo-2-webgpu/captions": here("dist/lib/captions.js"), // before the shorter name, which would match it, too
      "audio-flamingo-2-webgpu": here("dist/lib/index.js"),
    },
  },
  worker: { format: "es" },
  build: {
    outDir: here("dist/page"),
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0, // the content security policy allows no data: scripts or fonts
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
