/**
 * Smoke tests in Firefox ESR: with WebGPU, its second implementation, and without. Playwright cannot drive Debian's
 * Firefox, so the page asks the model by itself and posts the result.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@playwright/test";
import { FlakyServer } from "./support/flaky-server.js";
import { serveToy } from "./support/real-models.js";

const LIB = fileURLToPath(new URL("../../web/dist/lib/", import.meta.url));
const FIXTURES = fileURLToPath(new URL("../fixtures/", import.meta.url));

const PREFERENCES = {
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "toolkit.telemetry.reportingpolicy.firstRun": false,
  "network.captive-portal-service.enabled": false,
  "app.normandy.enabled": false,
};

const SCRIPT = `
import { AudioFlamingo } from "/lib/index.js";
const post = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });
try {
  const { engine, verdict } = await AudioFlamingo.check("/toy/");
  const model = await AudioFlamingo.load("/toy/", navigator.gpu ? { engine: "webgpu" } : {});
  const clip = await model.listen("/inputs/speech_16k_mono.wav");
  const { tokens, text } = await clip.ask("Caption the input audio.", { maxNewTokens: 24 }).result;
  await post({ auto: engine, verdict, engine: model.info.engine, tokens, text, cache: model.info.cache, left: await model.dispose() });
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
  const profile = await mkdtemp(join(tmpdir(), "af2-firefox-"));
  const firefox = await start(profile, { ...PREFERENCES, ...preferences }, server.origin);
  try {
    const { cases } = JSON.parse(await readFile(`${FIXTURES}golden/tiny-a/cases.json`, "utf8"));
    expect(JSON.parse(await posted)).toMatchObject({ auto: "cpu", verdict: expect.stringContaining(verdict), engine, tokens: cases[0].new_ids, text: cases[0].text24, left: 0 });
  } finally {
    firefox.kill();
    await new Promise((resolve) => (firefox.exitCode === null ? firefox.once("exit", resolve) : resolve(undefined)));
    await server.stop();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function start(profile: string, preferences: Record<string, boolean | string>, address: string): Promise<ChildProcess> {
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${value});`);
  await writeFile(join(profile, "user.js"), lines.join("\n"));
  const options = ["--headless", "--no-remote", "--profile", profile, address];
  const firefox = spawn(process.env["FIREFOX"] ?? "/usr/bin/firefox-esr", options, { stdio: "ignore", env: { ...process.env, HOME: profile } });
  return new Promise((resolve, reject) => {
    firefox.once("error", reject); // Firefox is missing: the test fails
    firefox.once("spawn", () => resolve(firefox));
  });
}
