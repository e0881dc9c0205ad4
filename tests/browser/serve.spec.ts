/** `af2 serve` asked by OpenAI's own client, as people's scripts are: the demo model on the CPU. No browser takes part. */

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "@playwright/test";
import OpenAI from "openai";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const AF2 = `${ROOT}target/debug/af2`;

let server: ChildProcess;
let client: OpenAI;

test.beforeAll(async () => {
  const settings = { cwd: ROOT, env: { ...process.env, AF2_API_KEY: "secret" }, stdio: ["ignore", "ignore", "pipe"] as const };
  server = spawn(AF2, ["serve", "weights/demo/model", "--engine", "cpu", "--port", "0"], { ...settings, stdio: [...settings.stdio] });
  const address = await new Promise<string>((resolve, reject) => {
    let said = "";
    server.once("error", reject); // it is not built: the test fails
    server.once("exit", () => reject(new Error(`the server ended: ${said}`)));
    server.stderr?.on("data", (data: Buffer) => {
      said += data.toString();
      const found = /http:\/\/127\.0\.0\.1:\d+\/v1/.exec(said);
      if (found) resolve(found[0]);
    });
  });
  client = new OpenAI({ baseURL: address, apiKey: "secret", maxRetries: 0 });
});

test.afterAll(() => {
  server.kill();
});

function messages(sound: string, text: string): OpenAI.ChatCompletionMessageParam[] {
  const data = readFileSync(`${ROOT}weights/demo/sounds/${sound}`).toString("base64");
  return [{ role: "user", content: [{ type: "text", text }, { type: "input_audio", input_audio: { data, format: "wav" } }] }];
}

const WHAT = messages("cow.ogg", "What is this sound?");

test("an answer, whole and streamed", async () => {
  const model = (await client.models.list()).data[0]?.id ?? "";
  expect((await client.models.retrieve(model)).owned_by).toBe("af2");
  const whole = await client.chat.completions.create({ model, messages: WHAT, logprobs: true, top_logprobs: 2 });
  expect(whole.choices[0]?.message.content).toBe("it is a cow");
  expect(whole.usage).toEqual({ prompt_tokens: 7, completion_tokens: 6, total_tokens: 13 });
  expect(whole.choices[0]?.logprobs?.content?.[0]).toMatchObject({ token: "it", top_logprobs: [{ token: "it" }, { token: " or" }] });
  const stream = await client.chat.completions.create({ model, messages: WHAT, stream: true, stream_options: { include_usage: true } });
  let [text, used] = ["", 0];
  for await (const { choices, usage } of stream) {
    text += choices[0]?.delta.content ?? "";
    used += usage?.total_tokens ?? 0;
  }
  expect([text, used]).toEqual(["it is a cow", 13]);
});

test("the client's helpers: a stream collected, and JSON of a schema", async () => {
  const collected = await client.chat.completions.stream({ model: "af2", messages: messages("dog.ogg", "What is this sound?") }).finalContent();
  expect(collected).toBe("it is a dog");
  const schema = { type: "object", properties: { sound: { enum: ["cow", "dog"] } }, required: ["sound"], additionalProperties: false };
  const response_format = { type: "json_schema" as const, json_schema: { name: "sound", strict: true, schema } };
  const json = await client.chat.completions.create({ model: "af2", messages: WHAT, response_format });
  expect(JSON.parse(json.choices[0]?.message.content ?? "")).toEqual({ sound: "cow" });
});

test("refusals are the client's own errors", async () => {
  const refused = await client.chat.completions.create({ model: "af2", messages: WHAT, n: 2 }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(OpenAI.BadRequestError);
  expect(refused).toMatchObject({ status: 400, param: "n", type: "invalid_request_error" });
  const stranger = new OpenAI({ baseURL: client.baseURL, apiKey: "guessed", maxRetries: 0 });
  const unknown = await stranger.models.list().catch((error: unknown) => error);
  expect(unknown).toBeInstanceOf(OpenAI.AuthenticationError);
  const file = new File(["RIFF"], "a.wav");
  const transcript = await client.audio.transcriptions.create({ model: "af2", file }).catch((error: unknown) => error);
  expect(transcript).toBeInstanceOf(OpenAI.NotFoundError);
  expect(String(transcript)).toContain("no speech recogniser");
  const aborted = new AbortController();
  const stream = await client.chat.completions.create({ model: "af2", messages: WHAT, stream: true }, { signal: aborted.signal });
  for await (const _ of stream) aborted.abort();
});
