/** The adapter for OpenAI's interface: the table that it shares with `af2 serve`, what a table cannot say, and answers that must have a form. */

import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { expect, test } from "./support/fixtures.js";
import { serveDemo, serveToy } from "./support/real-models.js";

const TABLE = new URL("../fixtures/openai/", import.meta.url);
const SOUNDS = new URL("../../weights/demo/sounds/", import.meta.url);

interface Case {
  name: string;
  only?: "server";
  request: { stream?: unknown };
  response?: unknown;
  stream?: { text: string; finish_reason: string; logprobs?: string[]; usage?: unknown };
  error?: { says: string[] };
}

/** What the adapter gave: a completion, the sum of a stream, or an error. */
interface Outcome {
  response?: unknown;
  stream?: { text: string; finish_reason: string | null; logprobs: string[] | null; chunks: { object: string; usage?: unknown; scored: boolean }[] };
  error?: { code: string; message: string };
}

async function table(file: string): Promise<Case[]> {
  const cases = JSON.parse(await withSounds(await readFile(new URL(file, TABLE), "utf8"))) as Case[];
  return cases.filter(({ only }) => only !== "server");
}

/** Puts the files in base64 where the table names them. */
async function withSounds(text: string): Promise<string> {
  const names = new Set([...text.matchAll(/\$audio:([\w.-]+)/g)].map(([, name]) => name!));
  for (const name of names) text = text.replaceAll(`$audio:${name}`, (await readFile(new URL(name, SOUNDS))).toString("base64"));
  return text;
}

/** Loads the demo model on the CPU engine, with the adapter, as `window.openai`. */
async function adapter(page: Page, url: string): Promise<void> {
  await page.evaluate(async (url) => {
    const { createOpenAI } = (await import("/openai.js" as string)) as typeof import("../../web/src/openai.js");
    const model = await window.AudioFlamingo.load(url, { engine: "cpu", cache: "none" });
    Object.assign(window, { model, createOpenAI, openai: createOpenAI(model) });
  }, url);
}

declare global {
  interface Window {
    model: import("../../web/src/index.js").Model;
    createOpenAI: typeof import("../../web/src/openai.js").createOpenAI;
    openai: ReturnType<typeof import("../../web/src/openai.js").createOpenAI>;
  }
}

/** Sends requests one after another. */
function send(page: Page, requests: object[]): Promise<Outcome[]> {
  return page.evaluate(async (requests) => {
    const ask = async (request: never): Promise<Outcome> => {
      try {
        const reply: unknown = await window.openai.chat.completions.create(request);
        if (!(Symbol.asyncIterator in (reply as object))) return { response: reply };
        const sum: Outcome["stream"] = { text: "", finish_reason: null, logprobs: null, chunks: [] };
        for await (const { object, choices, usage } of reply as AsyncIterable<import("../../web/src/openai.js").ChatChunk>) {
          sum.chunks.push({ object, usage, scored: Boolean(choices[0]?.logprobs) });
          sum.text += choices[0]?.delta.content ?? "";
          sum.finish_reason = choices[0]?.finish_reason ?? sum.finish_reason;
          sum.logprobs = choices[0]?.logprobs?.content.map(({ token }) => token) ?? sum.logprobs;
        }
        return { stream: sum };
      } catch (error) {
        const { code, message } = error as { code: string; message: string };
        return { error: { code, message } };
      }
    };
    const outcomes: Outcome[] = [];
    for (const request of requests) outcomes.push(await ask(request as never));
    return outcomes;
  }, requests);
}

/** Where a value does not follow a pattern of the table, each with the path to it. */
function differences(value: unknown, pattern: unknown, path = ""): string[] {
  const other = () => [`${path} is ${JSON.stringify(value)}, not ${JSON.stringify(pattern)}`];
  if (pattern === "$string") return typeof value === "string" ? [] : other();
  if (pattern === "$number") return typeof value === "number" ? [] : other();
  if (pattern === "$integer") return Number.isInteger(value) ? [] : other();
  if (typeof pattern !== "object" || pattern === null) return value === pattern ? [] : other();
  if ("$json" in pattern) return differences(parsed(value), pattern.$json, path);
  if (typeof value !== "object" || value === null || Array.isArray(value) !== Array.isArray(pattern)) return other();
  if (Array.isArray(value) && value.length !== (pattern as unknown[]).length) return other();
  return Object.entries(pattern).flatMap(([key, part]) => differences((value as Record<string, unknown>)[key], part, `${path}.${key}`));
}

/** The value of a text that is JSON; any other value as it is. */
function parsed(value: unknown): unknown {
  try {
    return JSON.parse(String(value));
  } catch {
    return value;
  }
}

test.beforeEach(({ server }) => server.serveText("/openai.js", 'export * from "/lib/openai.js";', "text/javascript"));

test("the adapter answers and refuses as the server does", async ({ open, server }) => {
  const cases = [...(await table("answered.json")), ...(await table("refused.json"))];
  expect(cases.length).toBeGreaterThan(80);
  const page = await open();
  await adapter(page, await serveDemo(server));
  const outcomes = await send(page, cases.map(({ request }) => request));
  for (const [at, { name, response, stream, error }] of cases.entries()) {
    const outcome = outcomes[at]!;
    const failure = `${name}: ${JSON.stringify(outcome.error)}`;
    if (response) expect.soft(differences(outcome.response, response), failure).toEqual([]);
    if (stream) {
      const { usage, logprobs = null, ...sum } = stream;
      expect.soft(differences(outcome.stream, { ...sum, logprobs }), failure).toEqual([]);
      const { chunks = [] } = outcome.stream ?? {};
      expect.soft(new Set(chunks.map(({ object }) => object)), name).toEqual(new Set(["chat.completion.chunk"]));
      expect.soft(chunks.filter(({ scored }) => scored).length, name).toBe(logprobs ? 1 : 0);
      const told = chunks.map((chunk) => chunk.usage);
      if (usage) expect.soft([differences(told.pop(), usage), ...new Set(told)], name).toEqual([[], null]);
      else expect.soft(told.every((one) => one === undefined || one === null), name).toBe(true);
    }
    if (error) {
      expect.soft(["BAD_REQUEST", "UNSUPPORTED_AUDIO"], `${name}: ${JSON.stringify(outcome)}`).toContain(outcome.error?.code);
      for (const words of error.says) expect.soft(outcome.error?.message, name).toContain(words);
    }
  }
});

test("addresses of the network need leave; sounds are encoded once; whoever leaves ends the answer", async ({ open, server }) => {
  const page = await open();
  await adapter(page, await serveDemo(server));
  const outcome = await page.evaluate(async (origin) => {
    const { model, createOpenAI, openai } = window;
    const listen = model.listen.bind(model);
    let heard = 0;
    model.listen = (...request) => (heard++, listen(...request));
    const messages = (url: string, text = "What is this sound?") => [{ role: "user" as const, content: [{ type: "audio_url" as const, audio_url: { url } }, { type: "text" as const, text }] }];
    const ask = (adapter: typeof openai, url: string, signal?: AbortSignal) =>
      adapter.chat.completions.create({ messages: messages(url) }, signal ? { signal } : {}).then(
        ({ choices }) => choices[0].message.content,
        ({ code, message }: { code: string; message: string }) => `${code}: ${message}`,
      );
    const cow = `${origin}/sounds/cow.ogg`;
    const same = createOpenAI(model, { allowUrls: "same-origin" });
    const refused = [await ask(openai, cow), await ask(same, "https://example.com/cow.ogg"), await ask(same, `${origin}/none.ogg`)];
    const parallel = await Promise.all([ask(same, cow), ask(same, cow), ask(same, cow)]);
    const encoded = heard;
    const others = ["dog", "drums", "duck", "horse", "organ"].map((name) => `${origin}/sounds/${name}.ogg`);
    const crowd = await Promise.all([cow, ...others].map((url) => ask(same, url))); // more than are cached
    const aborted = await ask(same, others[0]!, AbortSignal.abort());
    let chunks = 0;
    for await (const _ of await same.chat.completions.create({ stream: true, messages: messages(cow) })) if (++chunks === 2) break;
    return { refused, parallel, encoded, crowd, aborted, chunks, after: await ask(same, cow) };
  }, server.origin);
  expect(outcome.refused[0]).toMatch(/^BAD_REQUEST: audio_url: .*allowUrls/);
  expect(outcome.refused[1]).toMatch(/^BAD_REQUEST: audio_url: https:\/\/example.com is not fetched/);
  expect(outcome.refused[2]).toMatch(/^BAD_REQUEST: .*404/);
  expect(outcome.parallel).toEqual(Array(3).fill("it is a cow"));
  expect(outcome.encoded).toBe(1);
  expect(outcome.crowd[0]).toBe("it is a cow");
  expect(outcome.aborted).toMatch(/^ABORTED/);
  expect(outcome).toMatchObject({ chunks: 2, after: "it is a cow" });
});

/** Constrained answers about a sound, of which one schema is asked for twice, and requests that are refused. */
const constrained = async ({ url, engine, sound }: { url: string; engine: "cpu" | "webgpu"; sound: string }) => {
  const model = await window.AudioFlamingo.load(url, { engine, cache: "none" });
  const clip = await model.listen(sound);
  const schema = { type: "object", properties: { loud: { type: "boolean" }, what: { enum: ["a zebra", "a xylophone"] } }, required: ["loud", "what"] };
  const asked = [
    { choices: ["a zebra", "a xylophone plays", "a xylophone"] },
    { choices: ["a zebra"], temperature: 1, seed: 5 },
    { jsonSchema: schema },
    { jsonSchema: JSON.stringify(schema) },
    { jsonSchema: { type: "integer", minimum: 3, maximum: 12 } },
    { jsonSchema: schema, maxNewTokens: 2 },
    { jsonSchema: "object", maxNewTokens: 3 },
  ];
  const answers = [];
  for (const options of asked) {
    const answer = clip.ask("what is this sound?", options);
    let streamed = "";
    for await (const { text } of answer) streamed += text;
    const { text, finishReason, logprobs, tokens } = await answer.result;
    answers.push({ text, streamed, finishReason, whole: logprobs.length === tokens.length });
  }
  const refused = [];
  for (const options of [
    { choices: [] },
    { choices: ["a dog", ""] },
    { choices: "a dog" },
    { choices: ["one two three four five six"], maxNewTokens: 2 },
    { choices: ["a"], jsonSchema: {} },
    { jsonSchema: {} },
    { jsonSchema: "{" },
    { jsonSchema: 5 },
    { jsonSchema: { type: "string", pattern: "a+" } },
    { jsonSchema: { type: "object", properties: { x: 1n } } },
  ]) {
    refused.push(await clip.ask("what?", options as never).result.then(() => "answered", ({ code, message }) => `${code}: ${message}`));
  }
  const after = (await clip.ask("what is this sound?").result).text;
  await model.dispose();
  return { answers, refused, after };
};

for (const engine of ["cpu", "webgpu"] as const) {
  test(`answers are one of the choices, or JSON of a schema: ${engine}`, async ({ open, server }) => {
    const [url, sound] = engine === "cpu" ? [await serveDemo(server), "/sounds/cow.ogg"] : [await serveToy(server), "/inputs/speech_16k_mono.wav"];
    const page = await open();
    const { answers, refused, after } = await page.evaluate(constrained, { url, engine, sound });
    const [chosen, sampled, object, again, count, cut, any] = answers.map(({ text }) => text) as [string, string, string, string, string, string, string];
    expect(["a zebra", "a xylophone plays", "a xylophone"]).toContain(chosen);
    expect(sampled).toBe("a zebra");
    expect(JSON.parse(object)).toEqual({ loud: expect.any(Boolean), what: expect.stringMatching(/^a (zebra|xylophone)$/) });
    expect(again).toBe(object);
    expect(JSON.parse(count)).toBeGreaterThanOrEqual(3);
    expect(JSON.parse(count)).toBeLessThanOrEqual(12);
    expect(object.startsWith(cut)).toBe(true);
    expect(any.startsWith("{")).toBe(true);
    expect(answers.slice(0, 6).map(({ finishReason }) => finishReason)).toEqual(["stop", "stop", "stop", "stop", "stop", "length"]);
    expect(answers.every(({ text, streamed, whole }) => text === streamed && whole)).toBe(true);
    for (const [at, words] of [
      "give at least one",
      "one of the texts to choose from is empty",
      "choices must be an array of strings",
      "an answer at most 2; shorten it, or raise maxNewTokens",
      "exclude each other",
      "the schema's `#`: a value of any type",
      "the schema is no JSON",
      "jsonSchema must be",
      "`pattern`",
      "jsonSchema is no JSON",
    ].entries()) {
      expect.soft(refused[at]).toMatch(/^BAD_REQUEST: /);
      expect.soft(refused[at]).toContain(words);
    }
    expect(after.length).toBeGreaterThan(0);
  });
}
