/** Fixtures of all specs: a flaky server with the built package, and a page that has imported it. */

import { type BrowserContext, type Page, test as base } from "@playwright/test";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { AudioFlamingo } from "../../../web/src/index.js";
import { FlakyServer } from "./flaky-server.js";

declare global {
  interface Window {
    AudioFlamingo: typeof AudioFlamingo;
  }
}

export const LIB = fileURLToPath(new URL("../../../web/dist/lib/", import.meta.url));

const HTML = `<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title><script type="module" src="/test.js"></script>`;
const SCRIPT = `import * as package_ from "/lib/index.js"; Object.assign(window, package_); document.title = "loaded";`;

/** A server of the package, with a page that imports it. */
export async function packageServer(): Promise<FlakyServer> {
  const server = new FlakyServer();
  await server.start();
  server.serveText("/", HTML, "text/html; charset=utf-8");
  server.serveText("/test.js", SCRIPT, "text/javascript");
  server.serveFolder("/lib/", LIB);
  return server;
}

/** A page that has imported the package. */
export async function packagePage(context: BrowserContext, server: FlakyServer): Promise<Page> {
  const page = await context.newPage();
  await page.goto(server.origin);
  await page.waitForFunction(() => document.title === "loaded");
  return page;
}

export const test = base.extend<{ server: FlakyServer; mock: void; open: () => Promise<Page> }>({
  server: async ({}, use) => {
    const server = await packageServer();
    await use(server);
    await server.stop();
  },
  /** Replaces the engine's wasm interface. The rest of the package is as built. */
  mock: async ({ server }, use) => {
    server.serveText("/lib/real-engine.js", await readFile(`${LIB}af2.js`), "text/javascript");
    server.serveText("/lib/af2.js", await readFile(new URL("mock-engine.js", import.meta.url)), "text/javascript");
    await use();
  },
  open: async ({ context, server }, use) => {
    await use(() => packagePage(context, server));
  },
});

export { expect } from "@playwright/test";

/** How a load ended. */
export interface Outcome {
  ok: boolean;
  error?: { name: string; code: string; message: string; details: Record<string, unknown> };
  cache?: string;
  notices?: string[];
  inWorker?: boolean;
  fractions: number[];
  phases: string[];
  last?: { cachedBytes: number; networkBytes: number; loadedBytes: number; totalBytes: number };
}

export interface LoadRequest {
  url: string;
  cache?: "opfs" | "cache-api" | "none";
  worker?: boolean;
  retryFor?: number;
  /** Abort once this share is done. */
  abortAt?: number;
}

/** Loads and disposes a model in the page, and reports the outcome. */
export function load(page: Page, request: LoadRequest): Promise<Outcome> {
  return page.evaluate(async ({ url, abortAt, ...options }) => {
    const outcome: Outcome = { ok: false, fractions: [], phases: [] };
    const controller = new AbortController();
    try {
      const model = await window.AudioFlamingo.load(url, {
        engine: "webgpu", // the mock replaces this one
        ...options,
        signal: controller.signal,
        onProgress: (progress) => {
          outcome.fractions.push(progress.fraction);
          if (outcome.phases.at(-1) !== progress.phase) outcome.phases.push(progress.phase);
          outcome.last = progress;
          if (abortAt !== undefined && progress.fraction >= abortAt) controller.abort();
        },
      });
      Object.assign(outcome, { ok: true, cache: model.info.cache, notices: model.info.notices, inWorker: model.inWorker });
      await model.dispose();
    } catch (thrown) {
      const { name, code, message, details } = thrown as { name: string; code: string; message: string; details: Record<string, unknown> };
      outcome.error = { name, code, message, details };
    }
    return outcome;
  }, request);
}
