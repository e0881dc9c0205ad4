/** The package's files elsewhere: on another origin, under Trusted Types, in other folders. */

import type { Page } from "@playwright/test";
import { FlakyServer, STRICT_CSP } from "./support/flaky-server.js";
import { LIB, expect, test } from "./support/fixtures.js";
import { serveDemo } from "./support/real-models.js";

/** Loads the demo model on the CPU. Resolves to whether the engine is in a worker, and its memory. */
function loadDemo(page: Page, options: { workerUrl?: string; wasmUrl?: string; worker?: boolean } = {}) {
  return page.evaluate(async (options) => {
    const model = await window.AudioFlamingo.load("/demo/", { engine: "cpu", cache: "none", ...options });
    const { wasmBytes } = await model.memory();
    await model.dispose();
    return { inWorker: model.inWorker, started: wasmBytes > 4e6 };
  }, options);
}

test("imported from another origin in one line, the engine runs in a worker", async ({ server, open }) => {
  const cdn = new FlakyServer();
  cdn.cors = true;
  await cdn.start();
  cdn.serveFolder("/lib/", LIB);
  await serveDemo(server);
  server.policy = undefined;
  server.serveText("/test.js", `import * as all from "${cdn.origin}/lib/index.js"; Object.assign(window, all); document.title = "loaded";`, "text/javascript");
  expect(await loadDemo(await open())).toEqual({ inWorker: true, started: true });
  expect(cdn.asked).toContain("/lib/worker.js");
  expect(server.asked.filter((path) => path.startsWith("/lib/"))).toEqual([]);
  await cdn.stop();
});

for (const [policies, inWorker] of [["audio-flamingo-2", true], ["'none'", false]] as const) {
  test(`under Trusted Types that allow ${policies} the model loads ${inWorker ? "in a worker" : "on the main thread"}`, async ({ server, open }) => {
    await serveDemo(server);
    server.policy = `${STRICT_CSP}; require-trusted-types-for 'script'; trusted-types ${policies}`;
    expect(await loadDemo(await open())).toEqual({ inWorker, started: true });
  });
}

test("workerUrl and wasmUrl say where the files lie", async ({ server, open }) => {
  await serveDemo(server);
  server.serveFolder("/scripts/", LIB);
  server.serveFolder("/engines/", LIB);
  const page = await open();
  expect(await loadDemo(page, { workerUrl: "/scripts/worker.js" })).toEqual({ inWorker: true, started: true });
  expect(await loadDemo(page, { workerUrl: "/scripts/worker.js", wasmUrl: "/engines" })).toEqual({ inWorker: true, started: true });
  expect(server.asked.filter((path) => path.endsWith(".wasm"))).toEqual(["/scripts/af2_cpu_bg.wasm", "/engines/af2_cpu_bg.wasm"]);
  expect(server.asked).not.toContain("/lib/worker.js");
  expect(await loadDemo(page, { worker: false, wasmUrl: "/engines/" })).toEqual({ inWorker: false, started: true });
});
