/** Builds the page from the repository's index.html to a static folder that works under any path, and its service worker. */
import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const SERVICE_WORKER = "service-worker.js";

export default defineConfig({
  root: here(".."),
  base: "./",
  publicDir: here("page/public"),
  resolve: {
    alias: {
      "audio-flamingo-2-webgpu/captions": here("dist/lib/captions.js"), // before the shorter name, which would match it, too
      "audio-flamingo-2-webgpu": here("dist/lib/index.js"),
    },
  },
  worker: { format: "es" },
  plugins: [{ name: "service-worker", enforce: "post", writeBundle: ({ dir }) => listFiles(dir) }],
  build: {
    outDir: here("dist/page"),
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0, // the content security policy allows no data: scripts or fonts
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      input: [here("../index.html"), here("offline/service-worker.ts")],
      output: {
        entryFileNames: ({ name }) => (name === "service-worker" ? SERVICE_WORKER : "assets/[name]-[hash].js"),
      },
    },
  },
});

/** Tells the service worker the files of this build with their hashes. */
async function listFiles(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length + 1));
  const engine = (name) => names.find((file) => file.startsWith(`assets/${name}_bg-`));
  // Modules are stored where they are used; browsers that read .woff only have no service workers.
  const listed = names.filter((name) => name !== SERVICE_WORKER && !/\.(wasm|woff)$/.test(name)).sort();
  const files = Object.fromEntries(await Promise.all(listed.map(async (name) => [name, sha256(await readFile(`${folder}/${name}`))])));
  const script = await readFile(`${folder}/${SERVICE_WORKER}`, "utf8");
  const engines = { webgpu: engine("af2"), cpu: engine("af2_cpu") };
  const build = { version: sha256(script + JSON.stringify([files, engines])).slice(0, 16), files, engines };
  if (!script.includes("__BUILD__")) throw new Error(`${SERVICE_WORKER} has no place for the list of files`);
  await writeFile(`${folder}/${SERVICE_WORKER}`, script.replace("__BUILD__", () => JSON.stringify(build)));
}

function sha256(content) {
  return createHash("sha256").update(content).digest("hex");
}
