/** The package loads a model of more than 1 GB while wasm memory stays small. */

import { expect, test } from "./support/fixtures.js";
import { syntheticModel } from "./support/synthetic-model.js";

const SHARD = 256 * 2 ** 20;
const SHARDS = 4;

test("wasm memory stays flat while 1 GiB is fetched, hashed, cached and pushed to the engine, and read again", async ({ server, mock, open }) => {
  test.setTimeout(900_000);
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
    expect(wasmBytes, visit).toBeLessThanOrEqual(64 * 2 ** 20);
  }
});
