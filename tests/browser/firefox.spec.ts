/**
 * Smoke tests in Firefox ESR: with WebGPU, its second implementation, and without. Playwright cannot drive Debian's
 * Firefox, so the page asks the model by itself and posts the result.
 */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "@playwright/test";
import { withFirefox } from "./support/firefox.js";
import { FlakyServer } from "./support/flaky-server.js";
import { serveToy } from "./support/real-models.js";

const LIB = fileURLToPath(new URL("../../web/dist/lib/", import.meta.url));
const FIXTURES = fileURLToPath(new URL("../fixtures/", import.meta.url));

const SCRIPT = `
import { AudioFlamingo } from "/lib/index.js";
const post = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });
try {
  const { engine, verdict } = await AudioFlamingo.check("/toy/");
  const model = await AudioFlamingo.load("/toy/", navigator.gpu ? { engine: "webgpu" } : { share: true });
  const clip = await model.listen("/inputs/speech_16k_mono.wav");
  const { tokens, text } = await clip.ask("Caption the input audio.", { maxNewTokens: 24 }).result;
  await post({ auto: engine, verdict, shared: model.shared, engine: model.info.engine, tokens, text, cache: model.info.cache, left: await model.dispose() });
} catch (error) {
  await post({ error: error.code + ": " + error.message });
}`;

const WEBGPU = { "dom.webgpu.enabled": true, "dom.webgpu.workers.enabled": true, "gfx.webgpu.ignore-blocklist": true };

for (const [engine, title, preferences, verdict] of [
  ["webgpu", "with WebGPU", WEBGPU, "The only WebGPU adapter here is software"],
  ["cpu", "without WebGPU", { "dom.webgpu.enabled": false }, "No WebGPU adapter here."],
] as const) {
  test(`Firefox ESR gives the golden answer (${title}); auto takes the CPU and says why`, () => smoke(engine, preferences, verdict));
}

async function smoke(engine: string, preferences: Record<string, boolean>, verdict: string): Promise<void> {
  test.setTimeout(600_000);
  const server = new FlakyServer();
  await server.start();
  server.serveFolder("/lib/", LIB);
  server.serveText("/smoke.js", SCRIPT, "text/javascript");
  server.serveText("/", '<!doctype html><title>smoke</title><script type="module" src="/smoke.js"></script>', "text/html");
  await serveToy(server);
  const posted = server.receive("/result");
  try {
    const result = await withFirefox(server.origin, preferences, () => posted);
    const { cases } = JSON.parse(await readFile(`${FIXTURES}golden/tiny-a/cases.json`, "utf8"));
    expect(JSON.parse(result)).toMatchObject({ auto: "cpu", verdict: expect.stringContaining(verdict), shared: engine === "cpu", engine, tokens: cases[0].new_ids, text: cases[0].text24, left: 0 });
  } finally {
    await server.stop();
  }
}
