/**
 * Measures a model of any size through the package in Chromium: loading, wasm memory, tokens per second, questions decoded together. Run it in this folder, with
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
import type { FlakyServer } from "./support/flaky-server.js";

const ROOT = path.resolve(import.meta.dirname, "../..");

test.describe.configure({ timeout: 3_600_000 });

const tokens = Number(process.env["AF2_TOKENS"] ?? 8);
const engine = (process.env["AF2_ENGINE"] ?? "auto") as "auto" | "webgpu" | "cpu";

/** Serves the model at `/model/` and the fixtures at `/inputs/`, and returns the model's folder. */
function serve(server: FlakyServer): string {
  const named = process.env["AF2_MODEL"];
  if (!named) throw new Error("AF2_MODEL names no folder with a converted model");
  const folder = path.resolve(ROOT, named);
  server.serveFolder("/model/", `${folder}/`);
  server.serveFolder("/inputs/", `${ROOT}/tests/fixtures/inputs/`);
  return folder;
}

test("load, listen, answer", async ({ server, open }) => {
  const shards = (await readdir(serve(server))).filter((name) => name.endsWith(".safetensors"));
  const page = await open();
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

test("eight questions together and one by one", async ({ server, open }) => {
  serve(server);
  const page = await open();
  const report = await page.evaluate(async ({ engine, tokens }) => {
    const model = await window.AudioFlamingo.load("/model/", { engine });
    const clip = await model.listen("/inputs/speech_16k_mono.wav");
    const questions = Array.from({ length: 8 }, (_, index) => `What is sound ${index + 1}?`);
    const options = { maxNewTokens: tokens };
    await clip.ask(questions.slice(0, 2), options).result; // both ways once: kernels are compiled when first used
    await clip.ask("What is it?", options).result;
    const ids = (answers: { tokens: number[] }[]) => JSON.stringify(answers.map((answer) => answer.tokens));
    const rounds = [];
    for (let round = 0; round < 2; round++) {
      const start = performance.now();
      const single = [];
      for (const question of questions) single.push(await clip.ask(question, options).result);
      const middle = performance.now();
      const together = await clip.ask(questions, options).result;
      const end = performance.now();
      const [singleMs, togetherMs] = [middle - start, end - middle];
      rounds.push({ singleMs, togetherMs, ratio: togetherMs / singleMs, equal: ids(single) === ids(together) });
    }
    return { rounds, adapter: model.info };
  }, { engine, tokens });
  console.log(JSON.stringify(report, null, 1));
  expect(report.rounds.every((round) => round.equal)).toBe(true);
});
