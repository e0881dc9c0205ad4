/** Measuring a machine through the public API: counts that are promised beforehand, times that add up, nothing left behind. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "./support/fixtures.js";
import { folder, serveDemo } from "./support/shipped.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const TOY = `${ROOT}target/browser-models/toy-f32`;

// software rendering on a busy machine takes its time
test.describe.configure({ timeout: 600_000 });

test("WebGPU: what `af2 inspect` promises of a token, an abort, and a clip that stays as it was", async ({ open, server }) => {
  server.serveFolder("/inputs/", `${ROOT}tests/fixtures/inputs/`);
  const url = server.serveModel("toy", await folder(`${TOY}/`));
  const page = await open();
  const { report, steps, aborted, refused, gpuBytes, answers } = await page.evaluate(async (url) => {
    const model = await window.AudioFlamingo.load(url);
    const clip = await model.listen("/inputs/speech_16k_mono.wav");
    const ask = async () => (await clip.ask("Caption the input audio.", { maxNewTokens: 8 }).result).tokens;
    const memory = async () => (await model.memory()).gpuBytes;
    const code = (error: { code: string }) => error.code;
    const answers = [await ask()];
    const gpuBytes = [await memory()];
    const steps: number[] = [];
    const report = await model.bench({ windows: 2, tokens: 5, onProgress: (done, all) => steps.push(done / all) });
    gpuBytes.push(await memory());
    const stop = new AbortController();
    const onProgress = (done: number) => done === 2 && stop.abort();
    const aborted = await model.bench({ signal: stop.signal, onProgress }).then(() => "measured", code);
    const refused = [await model.bench({ tokens: 1 }).catch(code), await model.bench({ windows: 31 }).catch(code)];
    gpuBytes.push(await memory());
    answers.push(await ask());
    await model.dispose();
    return { report, steps, aborted, refused, gpuBytes, answers };
  }, url);
  expect(report).toMatchObject({ engine: "webgpu", windows: 2, tokens: 5 });
  const promised = JSON.parse(await readFile(`${TOY}.json`, "utf8")); // of `af2 inspect`
  const { microsecondsPerDispatch, dispatches, bytesPerSecond, bytes } = report.perToken!;
  expect(dispatches).toBe(promised.dispatches_per_token[1]);
  expect(bytes).toBeLessThanOrEqual(promised.bytes_per_token); // which counts norms and biases too
  expect(bytes).toBeGreaterThan(0.99 * promised.bytes_per_token);
  for (const time of [report.encodeMs, report.memoryMs, report.firstTokenMs]) expect(time).toBeGreaterThan(0);
  expect((microsecondsPerDispatch * dispatches * report.tokensPerSecond) / 1e6).toBeCloseTo(1);
  expect(bytesPerSecond / bytes).toBeCloseTo(report.tokensPerSecond);
  const { copyBytesPerSecond, productFlopsPerSecond, encoder, token } = report.gpu!;
  for (const rate of [copyBytesPerSecond, productFlopsPerSecond]) expect(rate).toBeGreaterThan(1e6);
  const sum = (part: keyof NonNullable<typeof token>[0]) => token!.reduce((all, kernel) => all + Number(kernel[part]), 0);
  expect(sum("count")).toBe(dispatches);
  expect(sum("bytes") / bytes).toBeCloseTo(1, 3); // it counts the embedding's row as well
  expect(encoder!.find(({ name }) => name.includes("window_attention"))!.flops).toBeGreaterThan(0);
  expect(steps).toEqual([...steps].sort((a, b) => a - b));
  expect(steps.at(-1)).toBe(1);
  expect([aborted, ...refused]).toEqual(["ABORTED", "BAD_REQUEST", "BAD_REQUEST"]);
  expect(new Set(gpuBytes).size).toBe(1);
  expect(answers[1]).toEqual(answers[0]);
});

test("the fastest kernels are found, kept, and used by the next load", async ({ open, server }) => {
  const url = await serveDemo(server);
  const page = await open();
  const { found, kept, before, after, changed, foreign, answers } = await page.evaluate(async (url) => {
    const slot = () => caches.open("audio-flamingo-2-kernels");
    const KEY = "https://models.invalid/kernels";
    const run = async (tune: boolean) => {
      const model = await window.AudioFlamingo.load(url, { engine: "webgpu" });
      const clip = await model.listen("/sounds/cow.ogg");
      const { text } = await clip.ask("what is this sound?").result;
      const kernels = (await model.bench({ tokens: 2 })).gpu!.kernels;
      const found = tune ? await model.tune() : "";
      await model.dispose();
      return { text, kernels, found };
    };
    const [first, second] = [await run(true), await run(false)];
    const kept = await (await (await slot()).match(KEY))!.text();
    // What chips get: this browser's compiler must take these kernels too, and they must answer the same.
    const other = kept.replace(/: \w+ \w+ \d+ \d+ \d+$/, ": tiled staged 8 64 64");
    await (await slot()).put(KEY, new Response(other));
    const third = await run(false);
    await (await slot()).put(KEY, new Response(`another GPU ${other}`));
    const fourth = await run(false);
    const answers = [first.text, second.text, third.text, fourth.text];
    return { found: first.found, kept, before: first.kernels, after: second.kernels, changed: third.kernels, foreign: fourth.kernels, answers };
  }, url);
  expect(before).toContain("blocks in registers"); // what suits a program that plays a GPU
  expect(after).toBe(found);
  expect(kept).toMatch(/ \| af2 [\d.]+: \w+ \w+ \d+ \d+ \d+$/);
  expect(changed).toContain("tiles in workgroup memory; for one row staged, 8 rows by 64 threads; 64 threads a norm");
  expect(foreign).toBe(before);
  expect(new Set(answers).size).toBe(1);
});

test("the processor is measured as well", async ({ open, server }) => {
  const url = await serveDemo(server);
  const page = await open();
  const report = await page.evaluate(async (url) => {
    const model = await window.AudioFlamingo.load(url, { engine: "processor" });
    const report = await model.bench({ tokens: 4 });
    const untuned = await model.tune().catch((error: { code: string }) => error.code);
    await model.dispose();
    return { ...report, untuned };
  }, url);
  expect(report.untuned).toBe("BAD_REQUEST");
  expect(report).toMatchObject({ engine: "processor", adapter: "processor (WebAssembly)", windows: 1, tokens: 4 });
  expect([report.perToken, report.gpu]).toEqual([undefined, undefined]);
  for (const figure of [report.encodeMs, report.memoryMs, report.firstTokenMs, report.tokensPerSecond]) expect(figure).toBeGreaterThan(0);
});
