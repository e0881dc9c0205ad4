/**
 * One page with the toy model on WebGPU, for all tests of a worker process that leave it as they found it: on a software adapter a
 * load takes as long as all of their questions.
 */

import type { Page } from "@playwright/test";
import type { Model } from "../../../web/src/index.js";
import { test as base, packagePage, packageServer } from "./fixtures.js";
import { serveToy } from "./real-models.js";

declare global {
  interface Window {
    /** The toy model in float32. Its tests' inputs are at `/inputs/`. */
    toy: Model;
  }
}

export const test = base.extend<object, { ready: Page }>({
  ready: [async ({ browser }, use) => {
    const server = await packageServer();
    const url = await serveToy(server);
    const context = await browser.newContext();
    const page = await packagePage(context, server);
    await page.evaluate(async (url) => void (window.toy = await window.AudioFlamingo.load(url, { engine: "webgpu" })), url);
    await use(page);
    await context.close();
    await server.stop();
  }, { scope: "worker", timeout: 300_000 }],
});
