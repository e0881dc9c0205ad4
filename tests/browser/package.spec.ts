/** The result of `npm pack`: it type-checks, runs in an app under a strict policy, and holds what it should. */

import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "@playwright/test";
import { publint } from "publint";
import { FlakyServer } from "./support/flaky-server.js";
import { TOOLS, WEB, test as base, run, tool } from "./support/packed.js";

const FIXTURES = fileURLToPath(new URL("../fixtures/", import.meta.url));

/** Uses most of the public types, so that a wrong declaration fails the type check. */
const APP = `
import { AudioFlamingo, NoWebGpu, type Progress, type AnswerResult, type Caption, type Clip, type SearchHit } from "audio-flamingo-2-webgpu";
import { formatCaptions } from "audio-flamingo-2-webgpu/captions";
import { createOpenAI } from "audio-flamingo-2-webgpu/openai";

export async function talk(url: string, sound: File): Promise<AnswerResult> {
  const stop = new AbortController();
  const onProgress = ({ fraction, phase, secondsLeft }: Progress) => console.log(phase, fraction, secondsLeft?.toFixed(1));
  const model = await AudioFlamingo.load(url, { engine: "auto", cache: "opfs", signal: stop.signal, onProgress, persist: true });
  const clip: Clip = await model.listen(sound, { maxWindows: 3 });
  for await (const { text } of clip.ask("what?", { temperature: 0.5, topK: 30, stop: ["."], choices: ["a", "b"] })) console.log(text);
  const chat = await createOpenAI(model).chat.completions.create({ messages: [], stream: true });
  for await (const chunk of chat) console.log(chunk.choices[0].delta.content);
  try { return await clip.ask("what?").result; } catch (error) { if (error instanceof NoWebGpu) throw error; throw error; } finally { await model.dispose(); }
}

export async function trust(url: string, sound: File, stream: MediaStream): Promise<string> {
  const model = await AudioFlamingo.load(url);
  const clip = await model.listen(sound, { channel: "mix" });
  const { logprobs, confidence, alternatives, notices } = await clip.ask("what?", { topLogprobs: 2 }).result;
  const { best, options } = await clip.choose("what?", ["a", "b"]);
  const { intervals } = await clip.where("what?", options[best]!.text, { method: "attention" });
  const captions: Caption[] = [];
  for await (const caption of model.captions(sound, { hop: 5 })) captions.push(caption);
  const index = await model.openIndex((await model.index([sound])).toBlob());
  const hits: SearchHit[] = await index.search("a dog", { top: 3 });
  for await (const { text, silent } of model.live(stream, { every: 2 })) console.log(text, silent);
  console.log(logprobs.length, confidence.toFixed(2), alternatives?.[0]?.[0]?.text, notices, intervals[0]?.start, hits[0]?.file);
  return formatCaptions(captions, "vtt");
}

const info = await AudioFlamingo.preview("/sound.wav");
document.title = \`\${info.seconds.toFixed(1)} s in \${info.windows} window\`;
Object.assign(globalThis, { talk, trust });
`;

const CONFIG = `export default { optimizeDeps: { exclude: ["audio-flamingo-2-webgpu"] }, worker: { format: "es" }, build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } } };`;

const test = base.extend<object, { app: string }>({
  /** A fresh app that has the package, with the compilers that the package itself is built with. */
  app: [async ({ apps }, use) => {
    const folder = join(apps, "app");
    await mkdir(join(folder, "public"), { recursive: true });
    await cp(join(FIXTURES, "inputs/speech_16k_mono.wav"), join(folder, "public/sound.wav"));
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
    await writeFile(join(folder, "vite.config.js"), CONFIG);
    await writeFile(join(folder, "main.ts"), APP);
    await writeFile(join(folder, "index.html"), '<!doctype html><title>app</title><script type="module" src="/main.ts"></script>');
    await use(folder);
  }, { scope: "worker" }],
});

test("the packed package type-checks and runs in a Vite app under a strict policy", async ({ app, page }) => {
  const options = ["--noEmit", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"];
  tool("typescript/bin/tsc", [...options, "--lib", "es2023,dom,dom.iterable", "main.ts"], app);
  tool("vite/bin/vite.js", ["build"], app);
  const server = new FlakyServer();
  await server.start();
  server.serveFolder("/", join(app, "dist"));
  server.serveText("/", await readFile(join(app, "dist/index.html")), "text/html; charset=utf-8");
  await page.goto(server.origin);
  await expect(page).toHaveTitle("3.2 s in 1 window", { timeout: 60_000 });
  await server.stop();
});

test("publint and Are The Types Wrong find nothing", async ({ apps }) => {
  const target = join(apps, "node_modules/audio-flamingo-2-webgpu");
  const { messages } = await publint({ pkgDir: target, strict: true, pack: false });
  expect(messages.map(({ code, path }) => [code, ...path])).toEqual([]);
  run("node", [join(TOOLS, "@arethetypeswrong/cli/dist/index.js"), join(apps, "package.tgz"), "--profile", "esm-only"], apps); // throws at a finding
});

test("the tarball holds the package and nothing else", async ({ apps }) => {
  const manifest = JSON.parse(await readFile(join(apps, "node_modules/audio-flamingo-2-webgpu/package.json"), "utf8"));
  expect(manifest.dependencies).toBeUndefined();
  expect(Object.keys(manifest.peerDependencies)).toEqual(Object.keys(manifest.peerDependenciesMeta)); // each is optional
  const listed = JSON.parse(run("npm", ["pack", "--json", "--dry-run"], WEB))[0].files as { path: string }[];
  const paths = listed.map(({ path }) => path);
  expect(paths.filter((path) => !/^(dist\/lib\/|README\.md$|package\.json$|LICENSE)/.test(path))).toEqual([]);
  expect(paths).toEqual(expect.arrayContaining(["LICENSE", "LICENSE-APACHE", "LICENSE-MIT"].flatMap((name) => [name, `dist/lib/${name}`])));
  const readme = await readFile(join(WEB, "README.md"), "utf8");
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => link!);
  expect(links.filter((link) => !paths.includes(link))).toEqual([]);
});

test("the lock files name no registry", async () => {
  for (const file of [join(WEB, "package-lock.json"), fileURLToPath(new URL("package-lock.json", import.meta.url))]) {
    const lock = await readFile(file, "utf8");
    const hosts = [...lock.matchAll(/"resolved": "https?:\/\/([^/"]+)/g)].map(([, host]) => host);
    expect(hosts.filter((host) => host !== "registry.npmjs.org")).toEqual([]);
  }
});
