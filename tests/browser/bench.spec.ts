/** Measurements through the public API: exact counts, consistent times, no leaks. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "./support/fixtures.js";
import { test } from "./support/ready-model.js";
import { serveDemo, serveToy } from "./support/real-models.js";

const COUNTS = fileURLToPath(new URL("../../target/browser-models/toy-f32.json", import.meta.url));

// Software rendering on a busy machine is slow.
test.describe.configure({ timeout: 600_000 });

test("WebGPU: the counts of `af2 inspect`, an abort, and a clip that is not changed", async ({ ready }) => {
  const { report, steps, aborted, refused, gpuBytes, answers } = await ready.evaluate(async () => {
    const model = window.toy;
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
    await clip.dispose();
    return { report, steps, aborted, refused, gpuBytes, answers };
  });
  expect(report).toMatchObject({ engine: "webgpu", windows: 2, tokens: 5 });
  const expected = JSON.parse(await readFile(COUNTS, "utf8")); // from `af2 inspect`
  const { microsecondsPerDispatch, dispatches, bytesPerSecond, bytes } = report.perToken!;
  expect(dispatches).toBe(expected.dispatches_per_token[1]);
  expect(bytes).toBeLessThanOrEqual(expected.bytes_per_token); // it counts norms and biases too
  expect(bytes).toBeGreaterThan(0.99 * expected.bytes_per_token);
  for (const time of [report.encodeMs, report.audioKvMs, report.firstTokenMs]) expect(time).toBeGreaterThan(0);
  expect((microsecondsPerDispatch * dispatches * report.tokensPerSecond) / 1e6).toBeCloseTo(1);
  expect(bytesPerSecond / bytes).toBeCloseTo(report.tokensPerSecond);
  const { copyBytesPerSecond, matmulFlopsPerSecond, encoder, token } = report.gpu!;
  for (const rate of [copyBytesPerSecond, matmulFlopsPerSecond]) expect(rate).toBeGreaterThan(1e6);
  const sum = (part: keyof NonNullable<typeof token>[0]) => token!.reduce((all, kernel) => all + Number(kernel[part]), 0);
  expect(sum("count")).toBe(dispatches);
  expect(sum("bytes") / bytes).toBeCloseTo(1, 3); // the kernels count the embedding row too
  expect(encoder!.find(({ name }) => name.includes("window_attention"))!.flops).toBeGreaterThan(0);
  expect(steps).toEqual([...steps].sort((a, b) => a - b));
  expect(steps.at(-1)).toBe(1);
  expect([aborted, ...refused]).toEqual(["ABORTED", "BAD_REQUEST", "BAD_REQUEST"]);
  expect(new Set(gpuBytes).size).toBe(1);
  expect(answers[1]).toEqual(answers[0]);
});

test("the fastest kernels are found, cached, and used by the next load", async ({ open, server }) => {
  const url = await serveToy(server);
  const page = await open();
  const { found, cached, before, changed, answers } = await page.evaluate(async (url) => {
    // On the main thread the page sees which kernels are compiled.
    let compiled: string[] = [];
    const create = GPUDevice.prototype.createComputePipeline;
    GPUDevice.prototype.createComputePipeline = function (descriptor) {
      const { label, compute } = descriptor;
      compiled.push(`${label} ${JSON.stringify(compute.constants)}`);
      return create.call(this, descriptor);
    };
    const slot = () => caches.open("audio-flamingo-2-tuning");
    const KEY = "https://models.invalid/tuning";
    const load = () => {
      compiled = [];
      return window.AudioFlamingo.load(url, { engine: "webgpu", worker: false });
    };
    const answer = async (model: Awaited<ReturnType<typeof load>>) => (await (await model.listen("/inputs/speech_16k_mono.wav")).ask("Caption the input audio.").result).text;
    // What was measured on another GPU is not used.
    await (await slot()).put(KEY, new Response("another GPU | af2 0.1.0: tiled staged 8 64 64"));
    const first = await load();
    const before = [...compiled];
    const answers = [await answer(first)];
    const found = await first.tune();
    await first.dispose();
    const cached = await (await (await slot()).match(KEY))!.text();
    // The next load uses what is cached: here the kernels for hardware GPUs, which this browser's compiler must accept, too.
    await (await slot()).put(KEY, new Response(cached.replace(/: \w+ \w+ \d+ \d+ \d+(; .*)?$/, ": tiled staged 8 64 64")));
    const second = await load();
    answers.push(await answer(second));
    const changed = [...compiled];
    await second.dispose();
    return { found, cached, before, changed, answers };
  }, url);
  const named = (list: string[], kernel: string) => list.filter((label) => label.startsWith(`linear/${kernel} `)).length;
  expect([named(before, "matmul_block_f32") > 0, named(before, "matmul_f32")], "the default of software adapters").toEqual([true, 0]);
  const [, matmul, matvec, rows, threads, norms] = / \| af2 [\d.]+, kernels \d+: (\w+) (\w+) (\d+) (\d+) (\d+)(; .*)?$/.exec(cached)!;
  expect(found).toBe(`matmul ${matmul}; matvec ${matvec}, ${rows} rows by ${threads} threads; norms with ${norms} threads`);
  expect(named(changed, "matmul_f32")).toBeGreaterThan(0);
  expect(named(changed, "matvec_f32")).toBeGreaterThan(0);
  expect([named(changed, "matmul_block_f32"), named(changed, "matvec_block_f32")]).toEqual([0, 0]);
  expect(answers).toEqual(["a person is speaking in a small room.", "a person is speaking in a small room."]);
});

test("the CPU is measured as well", async ({ open, server }) => {
  const url = await serveDemo(server);
  const page = await open();
  const report = await page.evaluate(async (url) => {
    const model = await window.AudioFlamingo.load(url, { engine: "cpu" });
    const report = await model.bench({ tokens: 4 });
    const untuned = await model.tune().catch((error: { code: string }) => error.code);
    await model.dispose();
    return { ...report, untuned };
  }, url);
  expect(report.untuned).toBe("BAD_REQUEST");
  expect(report).toMatchObject({ engine: "cpu", adapter: "CPU (WebAssembly)", windows: 1, tokens: 4 });
  expect([report.perToken, report.gpu]).toEqual([undefined, undefined]);
  for (const value of [report.encodeMs, report.audioKvMs, report.firstTokenMs, report.tokensPerSecond]) expect(value).toBeGreaterThan(0);
});
