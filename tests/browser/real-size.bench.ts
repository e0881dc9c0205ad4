/**
 * Measures a model of any size through the package in Chromium: loading, wasm memory, tokens per second. Run it in this folder, with
 * the model's path relative to the repository:
 *
 *     AF2_MODEL=weights/local/some-model npx playwright test --config bench.config.ts
 *     AF2_MODEL=weights/demo/model AF2_ENGINE=cpu npx playwright test --config bench.config.ts
 *
 * After `cargo xtask web --baseline`, `AF2_ENGINE=cpu` measures burn-wgpu on the same GPU.
 *
 * Not part of the tests: it needs a converted model (`af2 synth 0.5b DIR --converted q4` makes one) and takes minutes.
 */

import { readdir } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "./support/fixtures.js";

const ROOT = path.resolve(import.meta.dirname, "../..");

test.describe.configure({ timeout: 3_600_000 });

test("load, listen, answer", async ({ server, open }) => {
  const named = process.env["AF2_MODEL"];
  if (!named) throw new Error("AF2_MODEL names no folder with a converted model");
  const folder = path.resolve(ROOT, named);
  const shards = (await readdir(folder)).filter((name) => name.endsWith(".safetensors"));
  server.serveFolder("/model/", `${folder}/`);
  server.serveFolder("/inputs/", `${ROOT}/tests/fixtures/inputs/`);
  const page = await open();
  const tokens = Number(process.env["AF2_TOKENS"] ?? 8);
  const engine = (process.env["AF2_ENGINE"] ?? "auto") as "auto" | "webgpu" | "cpu";
  const report = await page.evaluate(async ({ engine, tokens }) => {
    const seconds = (since: number) => (performance.now() - since) / 1000;
    const wasm = async () => (await model.memory()).wasmBytes;
    let start = performance.now();
    const model = await window.AudioFlamingo.load("/model/", { engine });
    const load = { seconds: seconds(start), wasmBytes: await wasm(), adapter: model.info };
    if (tokens === 0) return { load };
    start = performance.now();
    const clip = await model.listen("/inputs/speech_16k_mono.wav");
    const listen = { seconds: seconds(start), encodeMs: clip.info.encodeMs, wasmBytes: await wasm() };
    start = performance.now();
    const times: number[] = [];
    for await (const _ of clip.ask("What is it?", { maxNewTokens: tokens })) times.push(seconds(start));
    const answer = { firstSeconds: times[0], secondsPerToken: (times.at(-1)! - times[0]!) / (times.length - 1) };
    const wasmBytes = await wasm();
    await model.bench({ tokens: Math.max(2, tokens) }); // compiles the kernels for these sizes
    return { load, listen, answer: { ...answer, wasmBytes }, bench: await model.bench({ tokens: Math.max(2, tokens) }) };
  }, { engine, tokens });
  console.log(JSON.stringify({ shards: shards.length, ...report }, null, 1));
  const { wasmBytes, adapter } = report.load;
  const weights = adapter.engine === "cpu" ? adapter.totalBytes : 0; // a GPU's never collect in wasm
  expect(wasmBytes).toBeLessThan(weights + 256 * 2 ** 20);
});
