/**
 * The original release becomes a model in the browser: from a hub, and from a local folder. The result is that of `af2 convert`, byte for
 * byte, and gives the goldens' ids.
 */

import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Page, Route } from "@playwright/test";
import config from "./playwright.config.js";
import { test as base, expect } from "./support/fixtures.js";
import { withFirefox } from "./support/firefox.js";
import { type Asked, Hub } from "./support/hub.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const TINY = `${ROOT}tests/fixtures/tiny-a`;
const SOURCE = "hf:nvidia/audio-flamingo-2-0.5B";
const QUESTION = "Caption the input audio.";
const { launchOptions } = config.use!;
const TOKEN = "hf_secret";

const test = base.extend<{ hub: Hub; scratch: string }>({
  hub: async ({}, use) => {
    const hub = await Hub.start();
    await use(hub);
    await hub.stop();
  },
  scratch: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), "af2-import-"));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
});

// Without WebGPU: the CPU starts sooner than a software adapter, and the goldens are the same.
test.use({ launchOptions: { ...launchOptions, args: ["--no-first-run"] } });

test.beforeEach(({ server }) => {
  server.policy = undefined; // the hub is another origin
  server.serveFolder("/inputs/", `${ROOT}tests/fixtures/inputs/`);
});

/** The index of `af2 convert`, which holds the SHA-256 of every shard; without those of small files, where a model's name differs. */
async function nativeIndex(scratch: string, weights: string): Promise<unknown> {
  const out = join(scratch, `native-${weights}`);
  const lm = join(TINY, "lang_encoder");
  await promisify(execFile)(`${ROOT}target/debug/af2`, ["convert", TINY, out, "--lm", lm, "--weights", weights]);
  return withoutFiles(JSON.parse(await readFile(join(out, "model.safetensors.index.json"), "utf8")));
}

function withoutFiles({ files: _, ...index }: Record<string, unknown>): unknown {
  return index;
}

async function goldenIds(): Promise<number[]> {
  return JSON.parse(await readFile(`${ROOT}tests/fixtures/golden/tiny-a/cases.json`, "utf8")).cases[0].new_ids;
}

interface Request {
  /** An address; by default the files of the page's folder input. */
  source?: string;
  endpoint?: string;
  token?: string;
  weights?: "f32" | "q4";
  /** What `onLicence` returns; undefined leaves it out. */
  accept?: boolean;
  /** Abort once this share of the import is done. */
  abortAt?: number;
}

interface Outcome {
  error?: { name: string; code: string; message: string };
  /** Names of the licences that were offered. */
  licences?: string[];
  tokens?: number[];
  /** The index of the model in the catalogue. */
  index?: unknown;
  cache?: string;
  phases: string[];
  /** Bytes of the release that an earlier visit had converted. */
  resumed: number;
  rising: boolean;
}

/** Loads a model, and asks it the golden question in float32. */
function importModel(page: Page, request: Request): Promise<Outcome> {
  return page.evaluate(
    async ({ request, question }) => {
      const { source, accept, abortAt, ...options } = request;
      const outcome: Outcome = { phases: [], resumed: 0, rising: true };
      const controller = new AbortController();
      let fraction = 0;
      try {
        const files = [...(document.querySelector<HTMLInputElement>("#folder")?.files ?? [])];
        const model = await window.AudioFlamingo.load(source ?? files, {
          ...options,
          engine: "cpu",
          signal: controller.signal,
          onProgress: (progress) => {
            if (outcome.phases.at(-1) !== progress.phase) outcome.phases.push(progress.phase);
            if (progress.phase === "convert") outcome.resumed = progress.cachedBytes;
            outcome.rising &&= progress.fraction >= fraction;
            fraction = progress.fraction;
            document.title = `${progress.phase} ${fraction}`;
            if (abortAt !== undefined && progress.loadedBytes / progress.totalBytes >= abortAt) controller.abort();
          },
          ...(accept !== undefined && {
            onLicence: (licences: { name: string }[]) => {
              outcome.licences = licences.map(({ name }) => name);
              return accept;
            },
          }),
        });
        outcome.cache = model.info.cache;
        if (options.weights === "f32") {
          const clip = await model.listen("/inputs/speech_16k_mono.wav");
          outcome.tokens = (await clip.ask(question, { maxNewTokens: 24 }).result).tokens;
        }
        await model.dispose();
        const cache = await caches.open("audio-flamingo-2-models");
        const entry = (await cache.match((await cache.keys())[0]!))!;
        const { files: _, ...index } = JSON.parse(((await entry.json()) as { index: string }).index);
        outcome.index = index;
      } catch (thrown) {
        const { name, code, message } = thrown as { name: string; code: string; message: string };
        outcome.error = { name, code, message };
      }
      return outcome;
    },
    { request, question: QUESTION },
  );
}

function authorized(log: Asked[], origin: Asked["origin"]): number {
  return log.filter((one) => one.origin === origin && one.headers.some(([name]) => name === "authorization")).length;
}

test("a release on a hub is imported, gives the golden ids, and answers later without a network", async ({ open, hub, scratch }) => {
  const page = await open();
  const request = { source: SOURCE, endpoint: hub.endpoint, token: TOKEN, weights: "f32" } as const;
  const first = await importModel(page, { ...request, accept: true });
  expect(first.error).toBeUndefined();
  expect(first.licences).toEqual(["NVIDIA OneWay Noncommercial License", "Apache License 2.0"]);
  expect(first).toMatchObject({ tokens: await goldenIds(), cache: "opfs", rising: true });
  expect(first.index).toEqual(await nativeIndex(scratch, "f32"));
  const log = await hub.log();
  expect(authorized(log, "hub"), "the hub gets the token").toBeGreaterThan(0);
  expect(authorized(log, "storage"), "its storage never does").toBe(0);
  expect(log.some(({ origin }) => origin === "storage")).toBe(true);
  await hub.stop();
  await page.reload();
  await page.waitForFunction(() => document.title === "loaded");
  expect(await importModel(page, request)).toMatchObject({ tokens: first.tokens, phases: ["upload", "ready"] });
});

test("a closed tab resumes where it stopped", async ({ open, hub, scratch }) => {
  await hub.fault("slow", { rate: 300_000, times: 1_000_000 });
  const tab = await open();
  const request = { source: SOURCE, endpoint: hub.endpoint, weights: "q4", accept: true } as const;
  importModel(tab, request).catch(() => undefined); // ends with its tab
  await tab.waitForFunction(() => Number(/convert (.+)/.exec(document.title)?.[1]) > 0.45);
  await tab.close();
  await hub.tell("reset");
  const second = await importModel(await open(), request);
  expect(second.error).toBeUndefined();
  expect(second.index).toEqual(await nativeIndex(scratch, "q4"));
  const release = 12.6e6;
  expect(second.resumed).toBeGreaterThan(0.4 * release);
  expect(await hub.storageBytes()).toBeLessThan(release - second.resumed + 1.5e6);
});

test("a cancelled import resumes too", async ({ open, hub, scratch }) => {
  const page = await open();
  const request = { source: SOURCE, endpoint: hub.endpoint, weights: "q4", accept: true } as const;
  expect((await importModel(page, { ...request, abortAt: 0.3 })).error).toMatchObject({ name: "Aborted", code: "ABORTED" });
  const second = await importModel(page, request);
  expect(second.error).toBeUndefined();
  expect(second.resumed).toBeGreaterThan(0);
  expect(second.index).toEqual(await nativeIndex(scratch, "q4"));
});

test("no weight is fetched before the licences are accepted", async ({ open, hub }) => {
  const page = await open();
  const declined = await importModel(page, { source: SOURCE, endpoint: hub.endpoint, accept: false });
  expect(declined.error).toMatchObject({ name: "LicenceNotAccepted", code: "LICENCE_NOT_ACCEPTED" });
  expect(declined.error?.message).toContain("NVIDIA OneWay Noncommercial License and Apache License 2.0: it was not accepted");
  const silent = await importModel(page, { source: SOURCE, endpoint: hub.endpoint });
  expect(silent.error?.code).toBe("LICENCE_NOT_ACCEPTED");
  expect(silent.error?.message).toContain("onLicence");
  const check = ([source, endpoint]: readonly [string, string]) => window.AudioFlamingo.check(source, { endpoint, engine: "cpu" });
  const { ok, model } = await page.evaluate(check, [SOURCE, hub.endpoint] as const);
  expect({ ok, ...model }).toMatchObject({ ok: true, name: "nvidia/audio-flamingo-2-0.5B", cachedBytes: 0 });
  expect(model!.neededBytes / model!.totalBytes, "float32 to about 6 bits").toBeGreaterThan(4);
  const tables = await hub.storageBytes(); // of a file this small, the table comes with the bytes behind it
  expect(tables).toBeLessThanOrEqual(3 * 256 * 1024);
});

test("a converted model on a hub is loaded like any address", async ({ open, hub, scratch }) => {
  const index = await nativeIndex(scratch, "q4");
  await hub.tell({ repository: { name: "someone/toy", folder: join(scratch, "native-q4") } });
  const outcome = await importModel(await open(), { source: "hf:someone/toy", endpoint: hub.endpoint });
  expect(outcome.error).toBeUndefined();
  expect(outcome).toMatchObject({ index, cache: "opfs", resumed: 0 });
  expect(outcome.phases).not.toContain("convert");
});

test("faults of the network end in recovery or in one clear line", async ({ open, hub, scratch }) => {
  const page = await open();
  const request = { source: SOURCE, endpoint: hub.endpoint, weights: "q4", accept: true } as const;
  await hub.tell({ gate: { name: "nvidia/audio-flamingo-2-0.5B", token: TOKEN } });
  const gated = await importModel(page, request);
  expect(gated.error).toMatchObject({ code: "NETWORK_FAILED" });
  expect(gated.error?.message).toContain("as the option `token`");
  const whole = (route: Route) => (route.request().headers()["range"] === undefined ? route.continue() : route.abort());
  await page.context().route("**/*.safetensors", whole);
  const refused = await importModel(page, { ...request, token: TOKEN });
  expect(refused.error).toMatchObject({ name: "NetworkFailed", code: "NETWORK_FAILED" });
  expect(refused.error?.message).toContain("does not let web pages fetch parts of a file: run `af2 pull`");
  await page.context().unroute("**/*.safetensors", whole);
  await hub.fault("no-cors", { times: 1_000_000 });
  const unreadable = await importModel(page, { ...request, token: TOKEN });
  expect(unreadable.error?.message).toContain("does not let web pages read its large files: run `af2 pull`");
  await hub.tell("reset");
  await hub.fault("cut", { after: 100_000, times: 2 });
  await hub.fault("expired", { skip: 2 });
  const recovered = await importModel(page, { ...request, token: TOKEN });
  expect(recovered.error).toBeUndefined();
  expect(recovered.index).toEqual(await nativeIndex(scratch, "q4"));
});

test("a local folder with the original release is imported", async ({ open, scratch }) => {
  const page = await open();
  await page.evaluate(() => {
    const input = Object.assign(document.createElement("input"), { id: "folder", type: "file", webkitdirectory: true });
    document.body.append(input);
  });
  const parent = join(scratch, "downloads");
  await cp(join(TINY, "safe_ckpt"), join(parent, "audio-flamingo-2-0.5B", "safe_ckpt"), { recursive: true });
  await page.setInputFiles("#folder", parent);
  const lacking = await importModel(page, { weights: "f32" });
  expect(lacking.error).toMatchObject({ code: "BAD_MODEL" });
  expect(lacking.error?.message).toContain("put the files config.json and tokenizer.json of the Qwen2.5 model");
  await cp(join(TINY, "lang_encoder"), join(parent, "Qwen2.5-0.5B"), { recursive: true });
  await page.setInputFiles("#folder", parent);
  const outcome = await importModel(page, { weights: "f32" });
  expect(outcome.error).toBeUndefined();
  expect(outcome).toMatchObject({ tokens: await goldenIds(), cache: "opfs", rising: true });
  expect(outcome.index).toEqual(await nativeIndex(scratch, "f32"));
  expect((await importModel(page, { weights: "f32" })).phases, "the same folder again").toEqual(["upload", "ready"]);
  await page.setInputFiles("#folder", join(TINY, "configs"));
  const none = await importModel(page, {});
  expect(none.error?.message).toContain("the folder holds no model");
});

test("a full disk ends in one clear line, and the import goes on when there is room", async ({ open, hub }) => {
  const page = await open();
  const session = await page.context().newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", { origin: new URL(page.url()).origin, quotaSize: 2e6 });
  const outcome = await importModel(page, { source: SOURCE, endpoint: hub.endpoint, weights: "f32", accept: true });
  expect(outcome.error).toMatchObject({ name: "InsufficientStorage", code: "INSUFFICIENT_STORAGE" });
  expect(outcome.error?.message).toMatch(/the browser stores no more .+ the next load resumes here$/);
  await session.send("Storage.overrideQuotaForOrigin", { origin: new URL(page.url()).origin });
  const again = await importModel(page, { source: SOURCE, endpoint: hub.endpoint, weights: "f32", accept: true });
  expect(again).toMatchObject({ tokens: await goldenIds() });
  expect(again.resumed).toBeGreaterThan(0);
});

const PAGE = `${ROOT}web/dist/page/`;
const SHOTS = `${ROOT}target/screenshots/`;

for (const [name, width, height] of [["desktop", 1280, 900], ["phone", 390, 844]] as const) {
  test(`the page says what a release takes, and imports a folder (${name})`, async ({ page, server }) => {
    server.serveFolder("/", PAGE);
    await page.route("https://**", (route) => route.abort());
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.setViewportSize({ width, height });
    await page.goto(`${server.origin}/index.html`);
    await expect(page.locator("#model-note")).toContainText("is ready", { timeout: 60_000 });
    await page.locator("#model-choice").selectOption({ label: "Small, 0.5B: the quickest" });
    const load = page.locator("#model-load");
    await expect(load).toBeDisabled();
    await expect(page.locator("#release-fetch")).toHaveText("4.27 GB, once");
    await expect(page.locator("#release-room")).toContainText("777 MB of the");
    await expect(page.getByRole("link", { name: "NVIDIA OneWay Noncommercial License" })).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    await page.getByLabel("I have read and accept these licences").check();
    await expect(load).toBeEnabled();
    await page.screenshot({ path: `${SHOTS}import-release-${name}.png`, fullPage: true });
    expect(asked.filter((url) => url.startsWith("https:")), "asked before the click").toEqual([]);
    await page.locator("#model-choice").selectOption({ label: "From a local folder…" });
    await page.setInputFiles("#model-folder", TINY);
    await expect(page.locator("#model-folder-name")).toHaveText("tiny-a");
    await load.click();
    await expect(page.locator("#model-note")).toContainText("tiny-a is ready", { timeout: 60_000 });
    await page.screenshot({ path: `${SHOTS}import-folder-${name}.png`, fullPage: true });
  });
}

const FIREFOX = `
import { AudioFlamingo } from "/lib/index.js";
const post = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });
const options = { endpoint: new URLSearchParams(location.search).get("endpoint"), engine: "cpu", weights: "f32" };
try {
  for (const onLicence of [() => true, undefined]) {
    const model = await AudioFlamingo.load("${SOURCE}", { ...options, onLicence });
    if (onLicence) { await model.dispose(); continue; }
    const clip = await model.listen("/inputs/speech_16k_mono.wav");
    const { tokens } = await clip.ask("${QUESTION}", { maxNewTokens: 24 }).result;
    await post({ tokens, cache: model.info.cache });
  }
} catch (error) {
  await post({ error: error.code + ": " + error.message });
}`;

test("Firefox imports a release and gives the golden ids", async ({ server, hub }) => {
  server.serveText("/firefox.js", FIREFOX, "text/javascript");
  server.serveText("/firefox", '<!doctype html><title>import</title><script type="module" src="/firefox.js"></script>', "text/html");
  const posted = server.receive("/result");
  const result = await withFirefox(`${server.origin}/firefox?endpoint=${hub.endpoint}`, {}, () => posted);
  expect(JSON.parse(result)).toEqual({ tokens: await goldenIds(), cache: "opfs" });
  expect(authorized(await hub.log(), "storage")).toBe(0);
});
