/** Answers one can trust, and audio of any length: confidence, choices, relevance, captions, indexes and live listening. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { LiveCaption } from "../../web/src/index.js";
import { LIB, expect, test as base } from "./support/fixtures.js";
import { serveDemo, serveToy } from "./support/real-models.js";

const INPUTS = fileURLToPath(new URL("../fixtures/inputs/", import.meta.url));

const test = base.extend<{ demo: string }>({ demo: async ({ server }, use) => use(await serveDemo(server)) });

// The microphone plays a recording of speech, over and over.
test.use({
  launchOptions: {
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      ...["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
      ...["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-audio-capture=${INPUTS}speech_16k_mono.wav`],
    ],
    chromiumSandbox: false,
  },
});

test("answers tell how sure the model is of every token", async ({ open, demo }) => {
  const page = await open();
  const { answer, plain, many } = await page.evaluate(async (url) => {
    const model = await window.AudioFlamingo.load(url, { engine: "cpu" });
    const clip = await model.listen("/sounds/cow.ogg");
    const { logprobs, ...answer } = await clip.ask("what is this sound?", { topLogprobs: 3 }).result;
    const plain = await clip.ask("what is this sound?").result;
    const many = await clip.ask("what?", { topLogprobs: 21 }).result.catch(({ code, message }) => `${code}: ${message}`);
    await model.dispose();
    return { answer: { ...answer, logprobs: [...logprobs] }, plain: { ...plain, logprobs: [...plain.logprobs] }, many };
  }, demo);
  const { logprobs, tokens, tokenTexts, alternatives } = answer;
  expect(tokenTexts.join("")).toMatch(/^it is a cow/);
  expect([logprobs.length, tokenTexts.length, alternatives?.length]).toEqual([tokens.length, tokens.length, tokens.length]);
  expect(answer.confidence).toBeCloseTo(Math.exp(logprobs.reduce((sum, logprob) => sum + logprob, 0)), 5);
  for (const [at, list] of alternatives!.entries()) {
    expect(list).toHaveLength(3);
    expect(list[0]).toEqual({ token: tokens[at], text: tokenTexts[at], logprob: logprobs[at] });
    const probabilities = list.map(({ logprob }) => Math.exp(logprob));
    expect(probabilities).toEqual([...probabilities].sort((a, b) => b - a));
    expect(probabilities.reduce((sum, probability) => sum + probability)).toBeLessThan(1 + 1e-6);
  }
  expect(plain.logprobs).toEqual(logprobs);
  expect(plain.alternatives).toBeUndefined();
  expect(many).toContain("BAD_REQUEST: 21 alternatives");
});

test("several questions at once are answered as one by one, also without audio", async ({ open, demo }) => {
  const page = await open();
  const outcome = await page.evaluate(async (url) => {
    const code = (error: { code: string }) => error.code;
    const model = await window.AudioFlamingo.load(url, { engine: "cpu" });
    const clip = await model.listen("/sounds/cow.ogg");
    const questions = ["what is this sound?", "is there a cow?", "is there a flute?"];
    const plain = ({ logprobs, timings: _, ...rest }: Awaited<ReturnType<typeof clip.ask>["result"]>) => ({ ...rest, logprobs: [...logprobs] });
    const alone = [];
    for (const question of questions) alone.push(plain(await clip.ask(question).result));
    const together = [];
    for await (const answer of clip.ask(questions)) together.push(plain(answer));
    const sampled = { temperature: 1, seed: 3 };
    const chosen = [plain(await clip.ask(questions[0]!, sampled).result), (await clip.ask(questions, sampled).result).map(plain)[0]];
    let left = 0;
    for await (const _ of clip.ask(questions)) if (++left === 1) break;
    const stop = new AbortController();
    const stopped = clip.ask(questions, { signal: stop.signal }).result.then(() => "answered", code);
    stop.abort();
    const refused = [await clip.ask([]).result.catch(code), await clip.ask(["what?", 5 as never]).result.catch(code)];
    const unheard = model.ask("is there a cow?");
    let streamed = "";
    for await (const { text } of unheard) streamed += text;
    await model.dispose();
    return { alone, together, chosen, left, stopped: await stopped, refused, unheard: (await unheard.result).text, streamed };
  }, demo);
  expect(outcome.alone.map(({ text }) => text)).toEqual(["it is a cow", "yes", "no"]);
  expect(outcome.together).toEqual(outcome.alone);
  expect(outcome.chosen[1]).toEqual(outcome.chosen[0]);
  expect(outcome).toMatchObject({ left: 1, stopped: "ABORTED", refused: ["BAD_REQUEST", "BAD_REQUEST"] });
  expect(outcome.unheard).toMatch(/^[a-z]/);
  expect(outcome.streamed).toBe(outcome.unheard);
});

test("choices are weighed, and seconds found", async ({ open, demo }) => {
  const page = await open();
  const outcome = await page.evaluate(async (url) => {
    const code = (error: { code: string }) => error.code;
    const model = await window.AudioFlamingo.load(url, { engine: "cpu" });
    const cow = await model.listen("/sounds/cow.ogg");
    const options = ["it is a dog", "it is a cow", "it is a flute"];
    const choice = await cow.choose("what is this sound?", options);
    const lettered = await cow.choose("which of these sounds do you hear?", ["a flute", "a siren", "a cow", "a duck"], { letters: true });
    const one = await cow.choose("what?", ["a cow"]).catch(code);
    const twice = await cow.choose("what?", ["a cow", "a cow"]).catch(code);
    const stopped = new AbortController();
    const aborted = cow.choose("what is this sound?", options, { signal: stopped.signal }).catch(code);
    setTimeout(() => stopped.abort(), 5);
    const both = await model.listen("/sounds/cow-duck.ogg");
    const question = "which sound comes first?";
    const answer = both.ask(question);
    const where = { effect: await both.where(question, answer), attention: await both.where(question, await answer.result, { method: "attention" }) };
    const text = await both.where(question, (await answer.result).text, { method: "attention" });
    const method = await both.where(question, "a cow", { method: "guess" as never }).catch(code);
    await model.dispose();
    const plain = ({ curve, ...rest }: typeof text) => ({ ...rest, curve: [...curve] });
    return {
      ...{ choice, lettered, one, twice, aborted: await aborted, method, seconds: both.info.seconds },
      ...{ effect: plain(where.effect), attention: plain(where.attention), text: plain(text) },
    };
  }, demo);
  const { choice, lettered } = outcome;
  expect(choice.best).toBe(1);
  expect(choice.options.map(({ text }) => text)).toEqual(["it is a dog", "it is a cow", "it is a flute"]);
  for (const key of ["probability", "rawProbability"] as const) {
    expect(choice.options.reduce((sum, option) => sum + option[key], 0)).toBeCloseTo(1, 5);
  }
  const [dog, cow] = choice.options;
  expect(cow!.logprob).toBeGreaterThan(dog!.logprob);
  expect(cow!.logprob - cow!.priorLogprob, "what the audio adds").toBeGreaterThan(0);
  expect(lettered.options[lettered.best]?.text).toBe("a cow");
  expect(outcome).toMatchObject({ one: "BAD_REQUEST", twice: "BAD_REQUEST", method: "BAD_REQUEST", aborted: "ABORTED" });

  const { effect, attention, text } = outcome;
  expect([effect.method, attention.method]).toEqual(["effect", "attention"]);
  for (const { curve, intervals, secondsPerStep } of [effect, attention, text]) {
    expect(secondsPerStep).toBe(0.3125);
    expect(curve).toHaveLength(32);
    expect(Math.min(...curve)).toBeGreaterThanOrEqual(0);
    for (const { start, end } of intervals) expect(0 <= start && start < end && end <= outcome.seconds).toBe(true);
  }
  expect(attention.curve.reduce((sum, weight) => sum + weight), "shares, smoothed").toBeCloseTo(1, 0);
  const peak = effect.curve.indexOf(Math.max(...effect.curve)) * effect.secondsPerStep;
  expect(peak, "the cow is heard before the ducks").toBeLessThan(5);
});

test("two minutes are captioned in order, and a loop that is left frees the engine", async ({ open, demo }) => {
  const page = await open();
  const { captions, progress, left, after, aborted, unsure, refused, pcm } = await page.evaluate(async (url) => {
    const code = (error: { code: string }) => error.code;
    const model = await window.AudioFlamingo.load(url, { engine: "cpu" });
    const question = "what is this sound?";
    const captions = [];
    const progress: [number, number | undefined][] = [];
    const onProgress = (seconds: number, duration: number | undefined) => progress.push([seconds, duration]);
    for await (const caption of model.captions("/sounds/two-minutes.ogg", { question, onProgress })) captions.push(caption);
    let left = 0;
    for await (const _ of model.captions("/sounds/two-minutes.ogg", { question, onProgress: (seconds) => (left = seconds) })) break;
    const clip = await model.listen("/sounds/cow.ogg");
    const after = (await clip.ask(question).result).text;
    const stop = new AbortController();
    const all = async (source: Parameters<typeof model.captions>[0], options: Parameters<typeof model.captions>[1]) => {
      const texts = [];
      for await (const { text } of model.captions(source, options)) texts.push(text);
      return texts;
    };
    const aborted = await all("/sounds/two-minutes.ogg", { question, signal: stop.signal, onProgress: () => stop.abort() }).catch(code);
    const unsure = await all("/sounds/cow.ogg", { question, minConfidence: 1 });
    const refused = [await all(new Blob(["no audio"]), {}).catch(code), await all("/sounds/cow.ogg", { hop: 0 }).catch(code)];
    const second = new AudioContext({ sampleRate: 16_000 });
    const bytes = await (await fetch("/sounds/cow.ogg")).arrayBuffer();
    const pcm = await all(await second.decodeAudioData(bytes), { question });
    await model.dispose();
    return { captions, progress, left, after, aborted, unsure, refused, pcm };
  }, demo);
  expect(captions.length).toBeGreaterThan(2);
  for (const [index, { start, end, text, confidence }] of captions.entries()) {
    expect(start).toBeGreaterThanOrEqual(index === 0 ? 0 : captions[index - 1]!.end);
    expect(end > start && end <= 120).toBe(true);
    expect(text).toMatch(/^[a-z]/);
    expect(confidence > 0 && confidence <= 1).toBe(true);
  }
  const named = captions.filter(({ text }) => ["speech", "piano", "horse"].includes(text));
  expect(named.map(({ start, text }) => [text, start])).toEqual([["speech", 10], ["piano", 50], ["horse", 100]]);
  const heard = progress.map(([seconds]) => seconds);
  expect(heard).toEqual([...heard].sort((a, b) => a - b));
  expect(progress.at(-1)).toEqual([120, 120]);
  expect(left, "seconds heard when the loop was left").toBeLessThan(120);
  expect({ after, aborted, unsure, refused, pcm }).toEqual({ after: "it is a cow", aborted: "ABORTED", unsure: [], refused: ["UNSUPPORTED_AUDIO", "BAD_REQUEST"], pcm: ["cow"] });
});

test("half an hour is read by ranges and never in memory as a whole", async ({ open, demo }) => {
  const page = await open();
  const { size, captions, seconds, grown } = await page.evaluate(async (url) => {
    const model = await window.AudioFlamingo.load(url, { engine: "cpu" });
    const rate = 16_000;
    const minute = new Int16Array(60 * rate); // silence, which is not encoded
    const header = new DataView(new ArrayBuffer(44));
    const bytes = 30 * minute.byteLength;
    [...`RIFF....WAVEfmt ....................data....`].forEach((letter, at) => header.setUint8(at, letter.charCodeAt(0)));
    for (const [at, value] of [[4, 36 + bytes], [16, 16], [24, rate], [28, 2 * rate], [40, bytes]] as const) header.setUint32(at, value, true);
    for (const [at, value] of [[20, 1], [22, 1], [32, 2], [34, 16]] as const) header.setUint16(at, value, true);
    const file = new File([header, ...Array<Int16Array<ArrayBuffer>>(30).fill(minute)], "long.wav");
    const before = (await model.memory()).wasmBytes;
    const captions = [];
    let seconds: [number, number | undefined] = [0, 0];
    const onProgress = (done: number, duration: number | undefined) => (seconds = [done, duration]);
    for await (const caption of model.captions(file, { onProgress })) captions.push(caption);
    const grown = (await model.memory()).wasmBytes - before;
    await model.dispose();
    return { size: file.size, captions, seconds, grown };
  }, demo);
  expect({ size, captions, seconds }).toEqual({ size: 57_600_044, captions: [], seconds: [1800, 1800] });
  expect(grown).toBeLessThan(size / 8);
});

test("an index is searched, stored, opened and checked", async ({ open, demo }) => {
  const page = await open();
  const outcome = await page.evaluate(async (url) => {
    const failure = ({ code, message }: { code: string; message: string }) => `${code}: ${message}`;
    const model = await window.AudioFlamingo.load(url, { engine: "cpu" });
    const sounds = await Promise.all(
      ["piano", "cow", "speech"].map(async (name) => new File([await (await fetch(`/sounds/${name}.ogg`)).blob()], `${name}.ogg`)),
    );
    const told = new Set<number>();
    const files = [sounds[0]!, new File(["no audio"], "notes.txt"), sounds[1]!, sounds[2]!];
    const index = await model.index(files, { onProgress: (file) => told.add(file) });
    const [cow] = await index.search("a cow", { top: 1 });
    const stored = index.toBlob();
    const opened = await model.openIndex(new Blob([await stored.arrayBuffer()]));
    const speech = await opened.search("speech");
    const sure = await opened.search("a cow", { minConfidence: 0.5 });
    const bytes = new Uint8Array(await stored.arrayBuffer());
    bytes[200]! ^= 1;
    const damaged = await model.openIndex(new Blob([bytes, bytes, bytes])).catch(failure);
    const foreign = await model.openIndex(new Blob(["no index at all"])).catch(failure);
    const signal = AbortSignal.abort();
    const aborted = [await model.index(files, { signal }).catch(failure), await index.search("a cow", { signal }).catch(failure)];
    await model.dispose();
    const { windows, skipped } = index;
    return { cow, speech, sure, told: [...told], names: [index.files, opened.files], windows, skipped, size: stored.size, damaged, foreign, aborted };
  }, demo);
  expect(outcome.cow).toMatchObject({ file: "cow.ogg", start: 0, end: expect.closeTo(6.59, 1) });
  expect(outcome.speech[0]).toMatchObject({ file: "speech.ogg" });
  expect(outcome.speech.map(({ score }) => score)).toEqual(outcome.speech.map(({ score }) => score).sort((a, b) => b - a));
  expect(outcome.sure.map(({ file }) => file)).toEqual(["cow.ogg"]);
  expect(outcome.told).toEqual([0, 2, 3]);
  for (const names of outcome.names) expect(names).toEqual(["piano.ogg", "cow.ogg", "speech.ogg"]);
  expect(outcome.windows).toBe(3);
  expect(outcome.skipped).toEqual([{ file: "notes.txt", reason: expect.stringContaining("notes.txt") }]);
  expect(outcome.damaged).toMatch(/^BAD_REQUEST: .*damaged/);
  expect(outcome.foreign).toMatch(/^BAD_REQUEST: .*index/);
  expect(outcome.aborted).toEqual(["ABORTED: aborted by the caller", "ABORTED: aborted by the caller"]);
});

test("a microphone is heard live, silence is not asked about, captions are asked back, and the stream stays the page's", async ({ open, demo, server }) => {
  server.policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";
  const page = await open();
  await page.mouse.click(1, 1); // browsers keep audio stopped before
  const outcome = await page.evaluate(async (url) => {
    const code = (error: { code: string }) => error.code;
    const model = await window.AudioFlamingo.load(url, { engine: "cpu" });
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: { autoGainControl: false, echoCancellation: false, noiseSuppression: false } });
    const heard = [];
    for await (const caption of model.live(microphone, { question: "what is this sound?", every: 1.5 })) {
      heard.push(caption);
      if (heard.length === 2) break;
    }
    const open = microphone.active;
    const context = new AudioContext();
    const cow = context.createMediaStreamDestination();
    const player = new AudioBufferSourceNode(context, { buffer: await context.decodeAudioData(await (await fetch("/sounds/cow.ogg")).arrayBuffer()), loop: true });
    player.connect(cow);
    player.start(0, 2);
    const first = async (options: { every: number; minConfidence?: number }, wanted: (caption: LiveCaption) => boolean) => {
      for await (const caption of model.live(cow.stream, options)) if (!caption.silent && wanted(caption)) return caption;
      return undefined;
    };
    const confirmed = await first({ every: 2 }, ({ text }) => text !== "");
    const denied = await first({ every: 2, minConfidence: 1 }, () => true);
    const hasty = await first({ every: 0.05 }, ({ askedBack }) => !askedBack); // no machine answers in that
    const stop = new AbortController();
    const live = async (stream: MediaStream, signal?: AbortSignal) => {
      for await (const _ of model.live(stream, { every: 0.5, ...(signal ? { signal } : {}) })) stop.abort();
    };
    const aborted = await live(microphone, stop.signal).catch(code);
    microphone.getTracks().forEach((track) => track.stop());
    const { stream } = context.createMediaStreamDestination();
    const quiet = [];
    for await (const caption of model.live(stream, { every: 0.5 })) {
      quiet.push(caption);
      break;
    }
    const none = await live(new MediaStream()).catch(code);
    await context.close();
    await model.dispose();
    return { heard, open, aborted, quiet, none, confirmed, denied, hasty };
  }, demo);
  const [first, second] = outcome.heard;
  expect(first, "an answer to a question of one's own is not asked back").toMatchObject({ text: expect.stringMatching(/^[a-z]/), askedBack: false, silent: false });
  expect(first!.confidence).toBeGreaterThan(0);
  expect(first!.time).toBeGreaterThanOrEqual(1.5);
  expect(second!.time - first!.time).toBeGreaterThanOrEqual(1.4);
  expect(outcome).toMatchObject({ open: true, aborted: "ABORTED", none: "BAD_REQUEST" });
  expect(outcome.quiet).toEqual([{ time: expect.any(Number), text: "", confidence: 0, askedBack: false, silent: true }]);
  expect(outcome.confirmed).toMatchObject({ text: expect.stringMatching(/^[a-z]/), silent: false });
  expect(outcome.confirmed!.confidence).toBeGreaterThan(outcome.confirmed!.askedBack ? 0.5 : 0);
  expect(outcome.denied).toMatchObject({ text: "", confidence: 0, askedBack: true, silent: false });
  expect(outcome.hasty).toMatchObject({ text: expect.stringMatching(/^[a-z]/), askedBack: false });
});

test("captions are written in every format", async () => {
  const { formatCaptions } = (await import(`${LIB}captions.js`)) as typeof import("../../web/src/captions.js");
  const captions = [
    { start: 0, end: 30, text: "rain", confidence: 0.75 },
    { start: 40, end: 40.3125, text: 'A & B <i> --> "C", D', confidence: 0.5 },
    { start: 400_000, end: 400_010, text: "dog barking", confidence: 0.123456 },
  ];
  expect(formatCaptions(captions, "srt")).toBe(
    '1\n00:00:00,000 --> 00:00:07,000\n[rain]\n\n2\n00:00:40,000 --> 00:00:40,833\n[A & B <i> -> "C", D]\n\n' +
      "3\n111:06:40,000 --> 111:06:47,000\n[dog barking]\n\n",
  );
  expect(formatCaptions(captions, "vtt")).toBe(
    'WEBVTT\n\n00:00:00.000 --> 00:00:07.000\n[rain]\n\n00:00:40.000 --> 00:00:40.833\n[A &amp; B &lt;i&gt; --&gt; "C", D]\n\n' +
      "111:06:40.000 --> 111:06:47.000\n[dog barking]\n",
  );
  expect(formatCaptions(captions, "csv")).toBe(
    'start,end,text,confidence\n0.000,30.000,rain,0.7500\n40.000,40.312,"A & B <i> --> ""C"", D",0.5000\n' +
      "400000.000,400010.000,dog barking,0.1235\n",
  );
  expect(formatCaptions(captions, "audacity")).toBe(
    '0.000000\t30.000000\train\n40.000000\t40.312500\tA & B <i> --> "C", D\n400000.000000\t400010.000000\tdog barking\n',
  );
  const read = JSON.parse(formatCaptions(captions, "json")) as typeof captions;
  expect(read[1]).toEqual({ ...captions[1], end: 40.313 });
  expect(read[2]!.confidence).toBe(0.1235);
  const empty = (["srt", "vtt", "csv", "json", "audacity"] as const).map((format) => formatCaptions([], format));
  expect(empty).toEqual(["", "WEBVTT\n", "start,end,text,confidence\n", "[]\n", ""]);
  const neighbours = [{ start: 0, end: 5, text: "a", confidence: 1 }, { start: 5, end: 9, text: "b", confidence: 1 }];
  expect(formatCaptions(neighbours, "vtt")).toContain("00:00:00.000 --> 00:00:04.917\n");
  expect(() => formatCaptions([], "ass" as never)).toThrow("srt, vtt, csv, json or audacity");
});
