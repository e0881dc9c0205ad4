/** The package loads a model many times larger than what wasm memory may hold. */

import { expect, test } from "./support/fixtures.js";
import { syntheticModel } from "./support/synthetic-model.js";

const SHARD = 80 * 2 ** 20;
const SHARDS = 4;

test("wasm memory stays flat while 320 MiB are fetched, hashed, cached and pushed to the engine, and read again", async ({ server, mock, open }) => {
  test.setTimeout(600_000);
  const url = server.serveModel("big", syntheticModel(Array.from({ length: SHARDS }, () => SHARD)));
  const page = await open();
  for (const visit of ["network", "cache"]) {
    const { wasmBytes, networkBytes } = await page.evaluate(async (address) => {
      let networkBytes = 0;
      const model = await window.AudioFlamingo.load(address, { engine: "webgpu", onProgress: ({ networkBytes: bytes }) => (networkBytes = bytes) });
      const { wasmBytes } = await model.memory();
      await model.dispose();
      return { wasmBytes, networkBytes };
    }, url);
    expect(networkBytes, visit).toBe(visit === "network" ? SHARD * SHARDS : 0);
    expect(wasmBytes, visit).toBeLessThanOrEqual(32 * 2 ** 20);
  }
});
