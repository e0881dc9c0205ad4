/** Parity: native and browser on the same software driver, and both engines, for the same model, audio and question. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "./support/fixtures.js";
import { readTensors } from "./support/safetensors.js";
import { clearAnswers, serveDemo, serveToy } from "./support/real-models.js";

const MODELS = fileURLToPath(new URL("../../target/browser-models/", import.meta.url));
const SOUND = "speech_16k_mono.wav";
const QUESTION = "Caption the input audio.";

// Software rendering on a busy machine is slow.
test.describe.configure({ timeout: 600_000 });

test("native and browser agree on SwiftShader", async ({ open, server }) => {
  const toy = await serveToy(server);
  const native = readTensors(await readFile(`${MODELS}native-swiftshader.safetensors`));
  const page = await open();
  const { logits, tokens } = await page.evaluate(
    async ({ url, sound, question }) => {
      const engine = await import("/lib/af2.js" as string);
      await engine.default({ module_or_path: "/lib/af2_bg.wasm" });
      const text = async (name: string) => (await fetch(`${url}${name}`)).text();
      const [config, tokenizer, index] = [await text("config.json"), await text("tokenizer.json"), await text("model.safetensors.index.json")];
      const raw = await engine.Model.open(async () => {
        const loader = await (await engine.Engine.create(false)).beginModel(config, tokenizer, index);
        for (const shard of Object.keys(JSON.parse(index).shards)) {
          loader.push(shard, new Uint8Array(await (await fetch(`${url}${shard}`)).arrayBuffer()));
          loader.finishShard(shard);
        }
        return loader.finish();
      });
      const bytes = new Uint8Array(await (await fetch(`/inputs/${sound}`)).arrayBuffer());
      const clip = await raw.listen(engine.decodeAudio(bytes, sound, 12, undefined, config), () => {}, new AbortController().signal);
      const { tokens } = await clip.ask(question, { maxNewTokens: 24 }, () => {}, new AbortController().signal);
      return { logits: Array.from((await clip.logits(question)) as Float32Array), tokens: Array.from(tokens as Uint32Array) };
    },
    { url: toy, sound: SOUND, question: QUESTION },
  );
  expect(tokens).toEqual(native["new_ids"]);
  const expected = native["step_logits"]!.slice(0, logits.length);
  expect(logits.length).toBeGreaterThan(0);
  expect(expected.length).toBe(logits.length);
  const difference = Math.max(...logits.map((value, at) => Math.abs(value - expected[at]!)));
  console.log(`largest difference of ${logits.length} logits, native and browser on SwiftShader: ${difference.toExponential(1)}`);
  expect(difference).toBeLessThan(1e-3);
});

test("WebGPU and the CPU give the demo model's answers token by token, with the same log-probabilities, choices and relevance", async ({ open, server }) => {
  const demo = await serveDemo(server);
  const page = await open();
  const outcome = await page.evaluate(
    async ({ url, list, options }) => {
      const run = async (engine: "webgpu" | "cpu") => {
        const model = await window.AudioFlamingo.load(url, { engine });
        if (model.info.engine !== engine) throw new Error(`asked for ${engine}, got ${model.info.engine}`);
        const [tokens, logprobs]: [number[][], number[]] = [[], []];
        for (const { sound, question } of list) {
          const answer = await (await model.listen(`/sounds/${sound}`)).ask(question).result;
          tokens.push(answer.tokens);
          logprobs.push(...answer.logprobs);
        }
        const { sound, question, expected } = list[0]!;
        const clip = await model.listen(`/sounds/${sound}`);
        const choice = await clip.choose(question, [...options, expected]);
        const effect = await clip.where(question, expected);
        const attention = await clip.where(question, expected, { method: "attention" });
        const captions = [];
        for await (const { text, start } of model.captions(`/sounds/${sound}`, { question })) captions.push({ text, start });
        await model.dispose();
        const numbers = choice.options.flatMap(({ logprob, priorLogprob, probability }) => [logprob, priorLogprob, probability]);
        return { exact: { tokens, best: choice.best, captions }, close: [...logprobs, ...numbers, ...effect.curve, ...attention.curve] };
      };
      return { webgpu: await run("webgpu"), cpu: await run("cpu") };
    },
    { url: demo, list: (await clearAnswers()).slice(0, 2), options: ["it is a siren", "it is a train"] },
  );
  const { webgpu, cpu } = outcome;
  expect(webgpu.exact).toEqual(cpu.exact);
  expect(cpu.exact.best).toBe(2);
  const difference = Math.max(...cpu.close.map((value, at) => Math.abs(value - webgpu.close[at]!)));
  console.log(`largest difference of ${cpu.close.length} log-probabilities, probabilities and relevances: ${difference.toExponential(1)}`);
  expect(difference).toBeLessThan(5e-3);
  expect(webgpu.close).toHaveLength(cpu.close.length);
});
