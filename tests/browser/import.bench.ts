/**
 * Measures the import of a released size with random weights, from the hub of the tests, in Chromium: bytes, time, wasm memory. Run it
 * in this folder after `cargo xtask web` and `cargo build -p af2-tests --bin hub`:
 *
 *     AF2_IMPORT=0.5b AF2_TOKENS=2 npx playwright test --config bench.config.ts import.bench.ts
 *
 * Not part of the tests: it fetches gigabytes and takes minutes.
 */

import { expect, test } from "./support/fixtures.js";
import { Hub } from "./support/hub.js";

test.describe.configure({ timeout: 3_600_000 });

/** Keeps the memory of every wasm instance of a worker. */
const WATCHED = `
globalThis.memories = [];
for (const name of ["instantiate", "instantiateStreaming"]) {
  const original = WebAssembly[name];
  WebAssembly[name] = async (...args) => {
    const result = await original(...args);
    const { memory } = (result.instance ?? result).exports;
    if (memory) memories.push(memory);
    return result;
  };
}`;

const REPOSITORIES: Record<string, string> = {
  "0.5b": "nvidia/audio-flamingo-2-0.5B",
  "1.5b": "nvidia/audio-flamingo-2-1.5B",
  "3b": "nvidia/audio-flamingo-2",
};

test("import a release", async ({ server, open }) => {
  const size = process.env["AF2_IMPORT"] ?? "";
  const repository = REPOSITORIES[size];
  if (!repository) throw new Error("AF2_IMPORT names no size: 0.5b, 1.5b or 3b");
  const tokens = Number(process.env["AF2_TOKENS"] ?? 0);
  const hub = await Hub.start();
  try {
    await hub.tell({ synth: { size } });
    server.policy = undefined;
    server.serveFolder("/inputs/", `${import.meta.dirname}/../fixtures/inputs/`);
    const worker = await (await fetch(`${server.origin}/lib/worker.js`)).text();
    server.serveText("/lib/watched.js", WATCHED, "text/javascript");
    server.serveText("/lib/real-worker.js", worker, "text/javascript");
    server.serveText("/lib/worker.js", 'import "./watched.js"; import "./real-worker.js";', "text/javascript");
    const page = await open();
    const loading = page.evaluate(
      async ({ source, endpoint, tokens }) => {
        const start = performance.now();
        let imported = 0;
        const model = await window.AudioFlamingo.load(source, {
          endpoint,
          engine: "webgpu",
          onLicence: () => true,
          onProgress: ({ phase }) => {
            if (phase === "convert") imported = performance.now() - start;
          },
        });
        const { totalBytes, notices } = model.info;
        const report = { importSeconds: imported / 1000, loadSeconds: (performance.now() - start) / 1000, totalBytes, notices, ids: [] as number[] };
        if (tokens > 0) {
          const clip = await model.listen("/inputs/speech_16k_mono.wav");
          report.ids = (await clip.ask("What is it?", { maxNewTokens: tokens }).result).tokens;
        }
        return report;
      },
      { source: `hf:${repository}`, endpoint: hub.endpoint, tokens },
    );
    let peak = 0;
    const sample = setInterval(() => {
      const sizes = page.workers().map((thread) =>
        thread.evaluate(() => (globalThis as unknown as { memories: WebAssembly.Memory[] }).memories.map(({ buffer }) => buffer.byteLength)),
      );
      void Promise.all(sizes).then((all) => (peak = Math.max(peak, ...all.flat())), () => undefined);
    }, 2000);
    const report = await loading.finally(() => clearInterval(sample));
    console.log(JSON.stringify({ size, ...report, storageBytes: await hub.storageBytes(), wasmPeakBytes: peak }, null, 1));
    expect(peak).toBeLessThan(96 * 2 ** 20);
  } finally {
    await hub.stop();
  }
});
