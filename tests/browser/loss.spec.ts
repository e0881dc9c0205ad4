/** Losing the GPU, the worker or the wasm instance: answers go on, or the next call starts afresh. */

import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import type { Clip } from "../../web/src/clip.js";
import { LIB, expect, test as base } from "./support/fixtures.js";
import { serveToy } from "./support/real-models.js";

const QUESTION = "Caption the input audio.";
const ANSWER = "a person is speaking in a small room.";

declare global {
  interface Window {
    /** Every device and worker that the page has made. */
    devices: GPUDevice[];
    workers: Worker[];
  }
}

/** `toy` is the address of a model; `page` records its devices and workers. */
const test = base.extend<{ toy: string; watched: () => Promise<Page> }>({
  toy: async ({ server }, use) => use(await serveToy(server)),
  watched: async ({ context, open }, use) => {
    await context.addInitScript(() => {
      window.devices = [];
      window.workers = [];
      const request = GPUAdapter.prototype.requestDevice;
      GPUAdapter.prototype.requestDevice = async function (...descriptor) {
        const device = await request.apply(this, descriptor);
        window.devices.push(device);
        return device;
      };
      window.Worker = class extends Worker {
        constructor(url: string | URL, options?: WorkerOptions) {
          super(url, options);
          window.workers.push(this);
        }
      };
    });
    await use(open);
  },
});

// Software rendering on a busy machine is slow.
test.describe.configure({ timeout: 600_000 });

test("the device is lost during load, listen, idle and ask, and the answer is the same", async ({ watched, toy }) => {
  const page = await watched();
  const outcome = await page.evaluate(
    async ({ url, question }) => {
      const reasons: string[] = [];
      const left = new Set(["load", "listen", "idle", "ask"]);
      const lose = (now: string) => {
        if (window.devices.length === 0 || !left.delete(now)) return;
        window.devices.at(-1)!.destroy();
      };
      const options = { engine: "webgpu", worker: false, onRecovering: (reason: string) => void reasons.push(reason), onProgress: () => lose("load") } as const;
      const model = await window.AudioFlamingo.load(url, options);
      const clip = await model.listen("/inputs/speech_16k_mono.wav", { onProgress: () => lose("listen") });
      lose("idle");
      const answer = clip.ask(question);
      const deltas: string[] = [];
      for await (const { text } of answer) {
        deltas.push(text);
        lose("ask");
      }
      const { text } = await answer.result;
      return { text, streamed: deltas.join(""), reasons, devices: window.devices.length, left: await model.dispose() };
    },
    { url: toy, question: QUESTION },
  );
  expect(outcome).toMatchObject({ text: ANSWER, streamed: ANSWER, devices: 5, left: 0 });
  expect(outcome.reasons).toEqual(Array.from({ length: 4 }, () => expect.stringContaining("GPU")));
});

test("three losses in a row are DeviceLost, and the next question tries again", async ({ watched, toy }) => {
  const page = await watched();
  const outcome = await page.evaluate(
    async ({ url, question }) => {
      const reasons: string[] = [];
      const model = await window.AudioFlamingo.load(url, { engine: "webgpu", worker: false, onRecovering: (reason) => void reasons.push(reason) });
      const clip = await model.listen("/inputs/speech_16k_mono.wav");
      const request = GPUAdapter.prototype.requestDevice;
      GPUAdapter.prototype.requestDevice = async function (...descriptor) {
        const device = await request.apply(this, descriptor);
        device.destroy();
        return device;
      };
      window.devices.at(-1)!.destroy();
      const refused = await clip.ask(question).result.then(() => "answered", (error) => error.name);
      GPUAdapter.prototype.requestDevice = request;
      const { text } = await clip.ask(question).result;
      return { refused, reasons: reasons.length, text };
    },
    { url: toy, question: QUESTION },
  );
  expect(outcome).toEqual({ refused: "DeviceLost", reasons: 2, text: ANSWER });
});

test("an idle model leaves the GPU, and comes back for the next question", async ({ watched, toy }) => {
  const page = await watched();
  const outcome = await page.evaluate(
    async ({ url, question }) => {
      const reasons: string[] = [];
      const model = await window.AudioFlamingo.load(url, { engine: "webgpu", idleTimeout: 200, onRecovering: (reason) => void reasons.push(reason) });
      const clip = await model.listen("/inputs/speech_16k_mono.wav");
      const first = await clip.ask(question).result;
      while ((await model.memory()).gpuBytes > 0) await new Promise((wake) => setTimeout(wake, 50));
      const second = await clip.ask(question).result;
      const refused = await window.AudioFlamingo.load(url, { idleTimeout: -1 }).then(() => "loaded", (error) => error.code);
      return { first: first.text, second: second.text, reasons, refused, left: await model.dispose() };
    },
    { url: toy, question: QUESTION },
  );
  expect(outcome).toEqual({ first: ANSWER, second: ANSWER, reasons: [], refused: "BAD_REQUEST", left: 0 });
});

test("a worker that is ended rejects its calls, and the next question starts another", async ({ watched, toy }) => {
  const page = await watched();
  const outcome = await page.evaluate(
    async ({ url, question }) => {
      const model = await window.AudioFlamingo.load(url, { engine: "cpu" });
      const clip = await model.listen("/inputs/speech_16k_mono.wav");
      const answers = [clip.ask(question), clip.ask(question)];
      window.workers.at(-1)!.terminate();
      const codes = await Promise.all(answers.map(({ result }) => result.then(() => "answered", (error) => error.code)));
      const { text } = await clip.ask(question).result;
      return { codes, text, workers: window.workers.length };
    },
    { url: toy, question: QUESTION },
  );
  expect(outcome).toEqual({ codes: ["INTERNAL", "INTERNAL"], text: ANSWER, workers: 2 });
});

/** The engine, whose clips trap if the question is the name of a place to do so. */
const TRAPPING = `
export * from "./real-engine.js";
export { default } from "./real-engine.js";
import { Clip } from "./real-engine.js";
const code = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 5, 1, 3, 0, 0, 11]; // f: unreachable
const { f: trap } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(code))).exports;
const places = {
  call: trap,
  promise: () => (void Promise.resolve().then(trap), new Promise(() => {})),
  microtask: () => (queueMicrotask(trap), new Promise(() => {})),
};
const ask = Clip.prototype.ask;
Clip.prototype.ask = function (question, ...rest) {
  return places[question]?.() ?? ask.call(this, question, ...rest);
};`;

test("a panic anywhere retires the instance, and the next question starts another", async ({ server, watched, toy }) => {
  server.serveText("/lib/real-engine.js", await readFile(`${LIB}af2_cpu.js`), "text/javascript");
  server.serveText("/lib/af2_cpu.js", TRAPPING, "text/javascript");
  const page = await watched();
  const outcome = await page.evaluate(
    async ({ url, question }) => {
      const model = await window.AudioFlamingo.load(url, { engine: "cpu" });
      const clip = await model.listen("/inputs/speech_16k_mono.wav");
      const codes: string[] = [];
      for (const place of ["call", "promise", "microtask"]) {
        codes.push(await clip.ask(place).result.then(() => "answered", (error) => error.code));
      }
      const { text } = await clip.ask(question).result;
      return { codes, text, workers: window.workers.length };
    },
    { url: toy, question: QUESTION },
  );
  expect(outcome).toEqual({ codes: ["INTERNAL", "INTERNAL", "INTERNAL"], text: ANSWER, workers: 4 });
});

test("the browser's GPU process crashes, and the answer is the same", async ({ browser, watched, toy }) => {
  const page = await watched();
  await page.evaluate(async (url) => {
    const reasons: string[] = [];
    const model = await window.AudioFlamingo.load(url, { engine: "webgpu", onRecovering: (reason) => void reasons.push(reason) });
    const clip = await model.listen("/inputs/speech_16k_mono.wav");
    Object.assign(window, { clip, reasons });
  }, toy);
  const session = await browser.newBrowserCDPSession();
  await session.send("Browser.crashGpuProcess");
  const outcome = await page.evaluate(async (question) => {
    const { clip, reasons } = window as unknown as { clip: Clip; reasons: string[] };
    const { text } = await clip.ask(question).result;
    return { text, losses: reasons.length };
  }, QUESTION);
  expect(outcome).toEqual({ text: ANSWER, losses: 1 });
});
