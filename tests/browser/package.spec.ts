/** The result of `npm pack` in a fresh Vite app: it type-checks, builds and runs under a strict content security policy. */

import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test as base } from "@playwright/test";
import { FlakyServer } from "./support/flaky-server.js";

const WEB = fileURLToPath(new URL("../../web/", import.meta.url));
const FIXTURES = fileURLToPath(new URL("../fixtures/", import.meta.url));

/** Uses most of the public types, so that a wrong declaration fails the type check. */
const APP = `
import { AudioFlamingo, NoWebGpu, type Progress, type AnswerResult, type Clip } from "audio-flamingo-2-webgpu";
import { createOpenAI } from "audio-flamingo-2-webgpu/openai";

export async function talk(url: string, sound: File): Promise<AnswerResult> {
  const stop = new AbortController();
  const onProgress = ({ fraction, phase, secondsLeft }: Progress) => console.log(phase, fraction, secondsLeft?.toFixed(1));
  const model = await AudioFlamingo.load(url, { engine: "auto", cache: "opfs", signal: stop.signal, onProgress, persist: true });
  const clip: Clip = await model.listen(sound, { maxWindows: 3 });
  for await (const { text } of clip.ask("what?", { temperature: 0.5, topK: 30, stop: ["."] })) console.log(text);
  const chat = await createOpenAI(model).chat.completions.create({ messages: [], stream: true });
  for await (const chunk of chat) console.log(chunk.choices[0].delta.content);
  try { return await clip.ask("what?").result; } catch (error) { if (error instanceof NoWebGpu) throw error; throw error; } finally { await model.dispose(); }
}

const info = await AudioFlamingo.preview("/sound.wav");
document.title = \`\${info.seconds.toFixed(1)} s in \${info.windows} window\`;
Object.assign(globalThis, { talk });
`;

const CONFIG = `export default { optimizeDeps: { exclude: ["audio-flamingo-2-webgpu"] }, worker: { format: "es" }, build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } } };`;

const test = base.extend<{ app: string }>({
  /** A fresh app beside the unpacked tarball, using the compilers that the package itself is built with. */
  app: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), "af2-app-"));
    const [tarball] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", folder], WEB)) as { filename: string }[];
    const target = join(folder, "node_modules/audio-flamingo-2-webgpu");
    await mkdir(target, { recursive: true });
    run("tar", ["-xzf", join(folder, tarball!.filename), "-C", target, "--strip-components=1"], folder);
    for (const name of ["vite", "typescript"]) await symlink(join(WEB, "node_modules", name), join(folder, "node_modules", name));
    await mkdir(join(folder, "public"));
    await cp(join(FIXTURES, "inputs/speech_16k_mono.wav"), join(folder, "public/sound.wav"));
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
    await writeFile(join(folder, "vite.config.js"), CONFIG);
    await writeFile(join(folder, "main.ts"), APP);
    await writeFile(join(folder, "index.html"), '<!doctype html><title>app</title><script type="module" src="/main.ts"></script>');
    await use(folder);
    await rm(folder, { recursive: true });
  },
});

test("the packed package type-checks and runs in a Vite app under a strict policy", async ({ app, page }) => {
  const options = ["--noEmit", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"];
  run("node", [join(WEB, "node_modules/typescript/bin/tsc"), ...options, "--lib", "es2023,dom,dom.iterable", "main.ts"], app);
  run("node", [join(WEB, "node_modules/vite/bin/vite.js"), "build"], app);
  const server = new FlakyServer();
  await server.start();
  server.serveFolder("/", join(app, "dist"));
  server.serveText("/", await readFile(join(app, "dist/index.html")), "text/html; charset=utf-8");
  await page.goto(server.origin);
  await expect(page).toHaveTitle("3.2 s in 1 window", { timeout: 60_000 });
  await server.stop();
});

test("the tarball holds the package and nothing else", async ({ app }) => {
  const manifest = JSON.parse(await readFile(join(app, "node_modules/audio-flamingo-2-webgpu/package.json"), "utf8"));
  expect(manifest.dependencies).toBeUndefined();
  const listed = JSON.parse(run("npm", ["pack", "--json", "--dry-run"], WEB))[0].files as { path: string }[];
  const paths = listed.map(({ path }) => path);
  expect(paths.filter((path) => !/^(dist\/lib\/|README\.md$|package\.json$)/.test(path))).toEqual([]);
  expect(paths).toEqual(expect.arrayContaining(["LICENSE", "LICENSE-APACHE", "LICENSE-MIT"].map((name) => `dist/lib/${name}`)));
});

test("the lock files name no registry", async () => {
  for (const file of [join(WEB, "package-lock.json"), fileURLToPath(new URL("package-lock.json", import.meta.url))]) {
    const lock = await readFile(file, "utf8");
    const hosts = [...lock.matchAll(/"resolved": "https?:\/\/([^/"]+)/g)].map(([, host]) => host);
    expect(hosts.filter((host) => host !== "registry.npmjs.org")).toEqual([]);
  }
});

function run(command: string, options: string[], folder: string): string {
  return execFileSync(command, options, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
