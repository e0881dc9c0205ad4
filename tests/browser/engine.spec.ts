/** The engine through the public API, in a worker, from the built package, on Chromium's software adapter. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { expect } from "./support/fixtures.js";
import { test as base } from "./support/ready-model.js";
import { folder, serveToy } from "./support/real-models.js";
import { tainted } from "./support/tainted-model.js";

const FIXTURES = fileURLToPath(new URL("../fixtures/", import.meta.url));
const TOY_Q4 = fileURLToPath(new URL("../../weights/toy/", import.meta.url));

interface Case {
  input: string;
  prompt: string;
  windows: number;
  new_ids: number[];
  text24: string;
}

/** `toy` and `q4` are the addresses of two models. Audio is at `/inputs/`. */
const test = base.extend<{ toy: string; q4: string; cases: Case[] }>({
  toy: async ({ server }, use) => use(await serveToy(server)),
  q4: async ({ server }, use) => use(server.serveModel("toy-q4", await folder(TOY_Q4))),
  cases: async ({}, use) => {
    const { cases } = JSON.parse(await readFile(`${FIXTURES}golden/tiny-a/cases.json`, "utf8")) as { cases: Case[] };
    await use(cases.filter(({ windows }) => windows <= 3));
  },
});

// Software rendering on a busy machine is slow.
test.describe.configure({ timeout: 600_000 });

test("every kernel compiles in Tint without a message", async ({ open }) => {
  const page = await open();
  const { count, messages } = await page.evaluate(async () => {
    const engine = await import("/lib/af2.js" as string);
    await engine.default({ module_or_path: "/lib/af2_bg.wasm" });
    const adapter = (await navigator.gpu.requestAdapter())!;
    const half = adapter.features.has("shader-f16");
    const device = await adapter.requestDevice({ requiredFeatures: half ? ["shader-f16"] : [] });
    const messages: string[] = [];
    const usable = (name: string): boolean => half || !engine.shaderSource(name).startsWith("enable f16;");
    const names: string[] = engine.shaderNames().filter(usable);
    for (const name of names) {
      const module = device.createShaderModule({ code: engine.shaderSource(name) });
      const info = await module.getCompilationInfo();
      messages.push(...info.messages.map((message) => `${name}:${message.lineNum}: ${message.message}`));
    }
    return { count: names.length, messages };
  });
  expect(count).toBeGreaterThan(30);
  expect(messages).toEqual([]);
});

test("the goldens' ids, on every sound of up to three windows", async ({ ready, cases }) => {
  const answers = await ready.evaluate(
    async (list) => {
      const answers = [];
      for (const { input, prompt, windows } of list) {
        const clip = await window.toy.listen(`/inputs/${input}`);
        const deltas: string[] = [];
        const answer = clip.ask(prompt, { maxNewTokens: 24 });
        for await (const delta of answer) deltas.push(delta.text);
        const { text, tokens } = await answer.result;
        answers.push({ input, prompt, windows: clip.info.windows === windows, tokens, text, streamed: deltas.join("") });
        await clip.dispose();
      }
      return { inWorker: window.toy.inWorker, answers };
    },
    cases,
  );
  expect(answers).toEqual({
    inWorker: true,
    answers: cases.map(({ input, prompt, new_ids, text24 }) => {
      return { input, prompt, windows: true, tokens: new_ids, text: text24, streamed: text24 };
    }),
  });
});

test("several questions decoded together get the goldens' ids", async ({ ready, cases }) => {
  const { input } = cases[0]!;
  const about = cases.filter((one) => one.input === input);
  const tokens = await ready.evaluate(
    async ({ input, prompts }) => {
      const clip = await window.toy.listen(`/inputs/${input}`);
      const answers = await clip.ask(prompts, { maxNewTokens: 24 }).result;
      await clip.dispose();
      return answers.map(({ tokens }) => tokens);
    },
    { input, prompts: about.map(({ prompt }) => prompt) },
  );
  expect(about.length).toBeGreaterThan(2);
  expect(tokens).toEqual(about.map(({ new_ids }) => new_ids));
});

test("a NaN in a weight is refused by both engines in the same words, and no text comes", async ({ open, server }) => {
  server.serveFolder("/inputs/", `${FIXTURES}inputs/`);
  const files = await folder(TOY_Q4);
  const cases: [string, string, ("webgpu" | "cpu")[]][] = [
    ["clap.nvclap.bn0.running_var", "the encoder's tokens hold a NaN", ["cpu"]],
    ["audio_transformer_clap.layer_norm.bias", "the audio's keys and values hold a NaN", ["cpu"]],
    ["lang_encoder.model.norm.weight", "the logits hold a NaN", ["webgpu", "cpu"]],
  ];
  const page = await open();
  // Native tests taint every tensor on both engines; here the GPU's words need to arrive once.
  for (const [tensor, words, engines] of cases) {
    const url = server.serveModel(tensor, tainted(files, tensor));
    for (const engine of engines) {
      const outcome = await page.evaluate(
        async ({ url, engine }) => {
          const model = await window.AudioFlamingo.load(url, { engine });
          let text = "";
          try {
            const answer = (await model.listen("/inputs/speech_16k_mono.wav")).ask("What is it?");
            for await (const delta of answer) text += delta.text;
            return { text, message: "" };
          } catch (thrown) {
            return { text, message: (thrown as Error).message };
          } finally {
            await model.dispose();
          }
        },
        { url, engine },
      );
      expect(outcome, `${tensor} on ${engine}`).toEqual({ text: "", message: expect.stringContaining(words) });
    }
  }
});

test("a driver that computes wrong numbers is refused by name", async ({ open, server }) => {
  const index = "model.safetensors.index.json";
  const files = (await folder(TOY_Q4)).map((file) => {
    if (file.name !== index) return file;
    const listed = JSON.parse(file.body.toString()) as { metadata: object };
    const self_test = { question: "What is it?", ids: [1, 2, 3] }; // no driver gives these
    return { name: index, body: Buffer.from(JSON.stringify({ ...listed, metadata: { ...listed.metadata, self_test } })) };
  });
  const url = server.serveModel("expectant", files);
  const page = await open();
  const outcome = await page.evaluate(async (url) => {
    const { name, code, message } = await window.AudioFlamingo.load(url, { engine: "webgpu" }).then(() => ({ name: "", code: "", message: "loaded" }), (error) => error);
    const onCpu = await window.AudioFlamingo.load(url, { engine: "cpu" });
    const { verified } = onCpu.info;
    await onCpu.dispose();
    return { name, code, message, verified };
  }, url);
  expect(outcome).toEqual({ name: "WrongNumbers", code: "WRONG_NUMBERS", message: expect.stringMatching(/computes wrong numbers: .* instead of 1, 2, 3: update/), verified: false });
});

test("aborted questions leave the session usable, aborted listening too", async ({ ready, cases }) => {
  const { prompt, input, new_ids } = cases[0]!;
  const outcome = await ready.evaluate(
    async ({ sound, question }) => {
      const model = window.toy;
      const code = (error: { code: string }) => error.code;
      const deaf = new AbortController();
      const unheard = model.listen("/inputs/sweep_48k_24bit_25s.flac", { signal: deaf.signal, onProgress: () => deaf.abort() });
      const listening = await unheard.then(() => "heard", code);
      const clip = await model.listen(`/inputs/${sound}`);
      const mute = new AbortController();
      const cut = clip.ask(question, { signal: mute.signal });
      const asking = (async () => {
        for await (const _ of cut) mute.abort();
      })();
      const asked = await asking.then(() => "answered", code);
      const never = await clip.ask(question, { signal: AbortSignal.abort() }).result.then(() => "answered", code);
      const { tokens } = await clip.ask(question, { maxNewTokens: 24 }).result;
      await clip.dispose();
      return { listening, asked, never, tokens };
    },
    { sound: input, question: prompt },
  );
  expect(outcome).toEqual({ listening: "ABORTED", asked: "ABORTED", never: "ABORTED", tokens: new_ids });
});

test("no GPU bytes leak: clips, questions, a second model", async ({ open, toy, q4 }) => {
  const page = await open();
  const sizes = await page.evaluate(
    async ({ urls }) => {
      const rows = [];
      for (const url of urls) {
        const model = await window.AudioFlamingo.load(url, { engine: "webgpu" });
        const use = async () => {
          const clip = await model.listen("/inputs/speech_16k_mono.wav");
          await clip.ask("what?", { maxNewTokens: 3 }).result;
          await clip.ask("and?", { maxNewTokens: 3 }).result;
          return clip.dispose();
        };
        const [first, second] = [await use(), await use()];
        const clip = await model.listen("/inputs/speech_16k_mono.wav");
        const left = await model.dispose();
        const after = await clip.ask("what?").result.then(() => "answered", (error) => error.code);
        rows.push({ first, second, left, after });
      }
      return rows;
    },
    { urls: [toy, q4] },
  );
  for (const { first, second, left, after } of sizes) {
    expect(first).toBeGreaterThan(100_000);
    expect([second, left, after]).toEqual([first, 0, "DISPOSED"]);
  }
});

test("sampling: same seed, same answer; options are checked; stop strings end the answer", async ({ ready }) => {
  const outcome = await ready.evaluate(async () => {
    const clip = await window.toy.listen("/inputs/speech_16k_mono.wav");
    const sample = (seed: number) => clip.ask("Caption the input audio.", { temperature: 2, topK: 50, seed, maxNewTokens: 8 }).result;
    const [one, same, other] = [await sample(7), await sample(7), await sample(8)];
    const stopped = await clip.ask("Caption the input audio.", { stop: ["speaking"] }).result;
    const short = await clip.ask("Caption the input audio.", { maxNewTokens: 2 }).result;
    const code = (options: object) => clip.ask("what?", options).result.then(() => "answered", (error) => error.code);
    const refused = [await code({ topP: 2 }), await code({ temperature: NaN }), await code({ maxNewTokens: 1e9 }), await code({ stop: [""] })];
    await clip.dispose();
    return { one: one.tokens, same: same.tokens, other: other.tokens, stopped, short, refused };
  });
  expect(outcome.same).toEqual(outcome.one);
  expect(outcome.other).not.toEqual(outcome.one);
  expect(outcome.stopped).toMatchObject({ text: "a person is ", finishReason: "stop" });
  expect(outcome.short).toMatchObject({ finishReason: "length" });
  expect(outcome.short.tokens).toHaveLength(2);
  expect(outcome.refused).toEqual(["BAD_REQUEST", "BAD_REQUEST", "BAD_REQUEST", "BAD_REQUEST"]);
});

test("after a reload, and on the main thread, the answers are the same, from the cache", async ({ open, toy, cases }) => {
  const { prompt, input, new_ids } = cases[0]!;
  const ask = (page: Page, engine: "cpu" | "webgpu", worker: boolean) =>
    page.evaluate(
      async ({ url, sound, question, engine, worker }) => {
        let fetched = 0;
        const onProgress = ({ networkBytes }: { networkBytes: number }) => (fetched = networkBytes);
        const model = await window.AudioFlamingo.load(url, { worker, engine, cache: "cache-api", onProgress });
        const clip = await model.listen(`/inputs/${sound}`);
        const { tokens } = await clip.ask(question, { maxNewTokens: 24 }).result;
        return { tokens, inWorker: model.inWorker, fetched: fetched > 0 };
      },
      { url: toy, sound: input, question: prompt, engine, worker },
    );
  const page = await open();
  expect(await ask(page, "cpu", true)).toEqual({ tokens: new_ids, inWorker: true, fetched: true });
  await page.reload();
  await page.waitForFunction(() => document.title === "loaded");
  expect(await ask(page, "webgpu", false)).toEqual({ tokens: new_ids, inWorker: false, fetched: false });
});
