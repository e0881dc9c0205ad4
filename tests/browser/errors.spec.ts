/** Every rejection is an `AudioFlamingoError`, and whatever runs can be cancelled. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "./support/fixtures.js";
import { serveDemo, serveToy } from "./support/real-models.js";

const WEB = fileURLToPath(new URL("../../web/", import.meta.url));

test("bad arguments, addresses and signals reject with a code, a cause and the signal's reason", async ({ server, mock, open }) => {
  const url = await serveDemo(server);
  server.serveText("/100%.wav", "no audio", "audio/wav");
  const page = await open();
  const outcomes = await page.evaluate(async (url) => {
    const { AudioFlamingo, AudioFlamingoError } = window as unknown as typeof import("../../web/src/index.js");
    const model = await AudioFlamingo.load(url, { engine: "cpu" });
    const clip = await model.listen("/sounds/cow.ogg");
    const reason = new Error("the user left");
    const signal = AbortSignal.abort(reason);
    const late = new AbortController();
    setTimeout(() => late.abort(reason));
    const any = (value: unknown) => value as never;
    const calls: Record<string, Promise<unknown>> = {
      engine: AudioFlamingo.load(url, { engine: any("gpu") }),
      cache: AudioFlamingo.load(url, { cache: any("disk") }),
      parallel: AudioFlamingo.load(url, { parallel: NaN }),
      retryFor: AudioFlamingo.load(url, { retryFor: -1 }),
      source: AudioFlamingo.load(any(undefined)),
      address: AudioFlamingo.load("http://["),
      check: AudioFlamingo.check("http://["),
      checkEngine: AudioFlamingo.check(url, { engine: any("gpu") }),
      percent: AudioFlamingo.preview("/100%.wav"),
      audio: AudioFlamingo.preview(any(5)),
      host: AudioFlamingo.preview("http://localhost:1/x.wav"),
      windows: model.listen("/sounds/cow.ogg", { maxWindows: 0.5 }),
      question: clip.ask(any(5)).result,
      stop: clip.ask("what?", { stop: any("word") }).result,
      number: clip.ask("what?", { topK: any("3") }).result,
      abortedLoad: AudioFlamingo.load(url, { signal }),
      abortedPreview: AudioFlamingo.preview("/sounds/cow.ogg", { signal }),
      lateLoad: AudioFlamingo.load(url, { engine: "cpu", signal: late.signal }),
      latePreview: AudioFlamingo.preview("/sounds/cow.ogg", { signal: late.signal }),
      abortedListen: model.listen("/sounds/cow.ogg", { signal }),
      abortedAsk: clip.ask("what?", { signal }).result,
      unknown: AudioFlamingo.cache.verify("nothing"),
    };
    const results: Record<string, unknown> = {};
    for (const [name, call] of Object.entries(calls)) {
      const error = await call.then(() => undefined, (thrown: unknown) => thrown);
      const ours = error instanceof AudioFlamingoError;
      results[name] = ours ? error.code + (error.cause === reason ? ", caused by the reason" : error.cause ? ", with a cause" : "") : String(error);
    }
    await model.dispose();
    return results;
  }, url);
  const aborted = "ABORTED, caused by the reason";
  expect(outcomes).toEqual({
    ...Object.fromEntries(["engine", "cache", "parallel", "retryFor", "source", "address", "check", "checkEngine"].map((name) => [name, "BAD_REQUEST"])),
    percent: expect.stringContaining("UNSUPPORTED_AUDIO"),
    audio: "BAD_REQUEST",
    host: "NETWORK_FAILED, with a cause",
    ...Object.fromEntries(["windows", "question", "stop", "number", "unknown"].map((name) => [name, "BAD_REQUEST"])),
    ...Object.fromEntries(["abortedLoad", "abortedPreview", "lateLoad", "latePreview", "abortedListen", "abortedAsk"].map((name) => [name, aborted])),
  });
});

test("leaving a loop, `await using` and dispose() cancel what runs", async ({ server, open }) => {
  const url = await serveToy(server);
  const page = await open();
  const outcome = await page.evaluate(async (url) => {
    const code = (error: { code: string }) => error.code;
    const long = { maxNewTokens: 2000, repetitionPenalty: 50 };
    const model = await window.AudioFlamingo.load(url, { engine: "cpu" });
    const clip = await model.listen("/inputs/speech_16k_mono.wav");
    const left = clip.ask("Caption the input audio.", long);
    for await (const _ of left) break;
    const leaving = await left.result.then(() => "answered", code);
    const used = clip.ask("Caption the input audio.", long);
    await used[Symbol.asyncDispose]();
    const using = await used.result.then(() => "answered", code);
    const whole = clip.ask("Caption the input audio.");
    let text = "";
    for await (const delta of whole) text += delta.text;
    whole.cancel(); // too late
    const finished = (await whole.result).text === text;
    const second = await model.listen("/inputs/speech_16k_mono.wav");
    const orphan = second.ask("Caption the input audio.", long).result.then(() => "answered", code);
    await second[Symbol.asyncDispose]();
    const answer = clip.ask("Caption the input audio.", long).result.then(() => "answered", code);
    const listening = model.listen("/inputs/long_8k_127s.flac").then(() => "heard", code);
    await model[Symbol.asyncDispose]();
    return { leaving, using, finished, orphan: await orphan, answer: await answer, listening: await listening };
  }, url);
  expect(outcome).toEqual({ leaving: "ABORTED", using: "ABORTED", finished: true, orphan: "DISPOSED", answer: "DISPOSED", listening: "DISPOSED" });
});

test("150 seconds of samples in 15 windows are previewed", async ({ open }) => {
  const page = await open();
  const { seconds, windows, edges } = await page.evaluate(async () => {
    const samples = new Float32Array(150 * 16_000);
    samples[0] = -1;
    samples[samples.length - 1] = 1;
    const { waveform, ...info } = await window.AudioFlamingo.preview({ sampleRate: 16_000, channels: [samples] }, { maxWindows: 15 });
    return { ...info, edges: [waveform.length, waveform[0], waveform[2], waveform.at(-1)] };
  });
  expect({ seconds, windows, edges }).toEqual({ seconds: 150, windows: 15, edges: [4096, -1, 0, 1] });
});

test("the README lists every code", async () => {
  const source = await readFile(`${WEB}src/errors.ts`, "utf8");
  const codes = [...source.slice(0, source.indexOf(";")).matchAll(/\| "([A-Z_]+)"/g)].map(([, code]) => code);
  const listed = [...(await readFile(`${WEB}README.md`, "utf8")).matchAll(/^\| `\w+` \| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(8);
  expect([...listed].sort()).toEqual([...codes].sort());
});
