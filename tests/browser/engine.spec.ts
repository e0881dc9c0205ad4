/** The engine through the public API, in a worker, from the built package, on Chromium's software adapter. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { expect, test as base } from "./support/fixtures.js";
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
    const device = await (await navigator.gpu.requestAdapter())!.requestDevice();
    const messages: string[] = [];
    const names: string[] = engine.shaderNames();
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

test("the goldens' ids, on every sound of up to three windows", async ({ open, toy, cases }) => {
  const page = await open();
  const answers = await page.evaluate(
    async ({ url, list }) => {
      const model = await window.AudioFlamingo.load(url, { engine: "webgpu" });
      const answers = [];
      for (const { input, prompt, windows } of list) {
        const clip = await model.listen(`/inputs/${input}`);
        const deltas: string[] = [];
        const answer = clip.ask(prompt, { maxNewTokens: 24 });
        for await (const delta of answer) deltas.push(delta.text);
        const { text, tokens } = await answer.result;
        answers.push({ input, prompt, windows: clip.info.windows === windows, tokens, text, streamed: deltas.join("") });
        await clip.dispose();
      }
      return { inWorker: model.inWorker, answers, left: await model.dispose() };
    },
    { url: toy, list: cases },
  );
  expect(answers).toEqual({
    inWorker: true,
    answers: cases.map(({ input, prompt, new_ids, text24 }) => {
      return { input, prompt, windows: true, tokens: new_ids, text: text24, streamed: text24 };
    }),
    left: 0,
  });
});

test("a NaN in a weight is refused by both engines in the same words, and no text comes", async ({ open, server }) => {
  server.serveFolder("/inputs/", `${FIXTURES}inputs/`);
  const files = await folder(TOY_Q4);
  const cases: [string, string][] = [
    ["clap.nvclap.bn0.running_var", "the encoder's tokens hold a NaN"],
    ["audio_transformer_clap.layer_norm.bias", "the audio's keys and values hold a NaN"],
    ["lang_encoder.model.norm.weight", "the logits hold a NaN"],
  ];
  const page = await open();
  for (const [tensor, words] of cases) {
    const url = server.serveModel(tensor, tainted(files, tensor));
    for (const engine of ["webgpu", "cpu"] as const) {
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

test("aborted questions leave the session usable, aborted listening too", async ({ open, toy, cases }) => {
  const page = await open();
  const { prompt, input, new_ids } = cases[0]!;
  const outcome = await page.evaluate(
    async ({ url, sound, question }) => {
      const model = await window.AudioFlamingo.load(url, { engine: "webgpu" });
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
      await model.dispose();
      const after = await clip.ask(question).result.then(() => "answered", code);
      return { listening, asked, never, tokens, after };
    },
    { url: toy, sound: input, question: prompt },
  );
  expect(outcome).toEqual({ listening: "ABORTED", asked: "ABORTED", never: "ABORTED", tokens: new_ids, after: "DISPOSED" });
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
        const [first, second, third] = [await use(), await use(), await use()];
        rows.push({ first, second, third, left: await model.dispose() });
      }
      return rows;
    },
    { urls: [toy, q4, toy] },
  );
  for (const { first, second, third, left } of sizes) {
    expect(first).toBeGreaterThan(100_000);
    expect([second, third, left]).toEqual([first, first, 0]);
  }
  expect(sizes[2]).toEqual(sizes[0]);
});

test("sampling: same seed, same answer; options are checked; stop strings end the answer", async ({ open, toy }) => {
  const page = await open();
  const outcome = await page.evaluate(async (url) => {
    const model = await window.AudioFlamingo.load(url, { engine: "webgpu" });
    const clip = await model.listen("/inputs/speech_16k_mono.wav");
    const sample = (seed: number) => clip.ask("Caption the input audio.", { temperature: 2, topK: 50, seed, maxNewTokens: 8 }).result;
    const [one, same, other] = [await sample(7), await sample(7), await sample(8)];
    const stopped = await clip.ask("Caption the input audio.", { stop: ["speaking"] }).result;
    const short = await clip.ask("Caption the input audio.", { maxNewTokens: 2 }).result;
    const code = (options: object) => clip.ask("what?", options).result.then(() => "answered", (error) => error.code);
    const refused = [await code({ topP: 2 }), await code({ temperature: NaN }), await code({ maxNewTokens: 1e9 }), await code({ stop: [""] })];
    await model.dispose();
    return { one: one.tokens, same: same.tokens, other: other.tokens, stopped, short, refused };
  }, toy);
  expect(outcome.same).toEqual(outcome.one);
  expect(outcome.other).not.toEqual(outcome.one);
  expect(outcome.stopped).toMatchObject({ text: "a person is ", finishReason: "stop" });
  expect(outcome.short).toMatchObject({ finishReason: "length" });
  expect(outcome.short.tokens).toHaveLength(2);
  expect(outcome.refused).toEqual(["BAD_REQUEST", "BAD_REQUEST", "BAD_REQUEST", "BAD_REQUEST"]);
});

test("after a reload, and on the main thread, the answers are the same", async ({ open, toy, cases }) => {
  const { prompt, input, new_ids } = cases[0]!;
  const ask = (page: Page, worker: boolean) =>
    page.evaluate(
      async ({ url, sound, question, worker }) => {
        const model = await window.AudioFlamingo.load(url, { worker, engine: "webgpu", cache: "cache-api" });
        const clip = await model.listen(`/inputs/${sound}`);
        const { tokens } = await clip.ask(question, { maxNewTokens: 24 }).result;
        return { tokens, inWorker: model.inWorker };
      },
      { url: toy, sound: input, question: prompt, worker },
    );
  const page = await open();
  expect(await ask(page, true)).toEqual({ tokens: new_ids, inWorker: true });
  await page.reload();
  await page.waitForFunction(() => document.title === "loaded");
  expect(await ask(page, false)).toEqual({ tokens: new_ids, inWorker: false });
});
