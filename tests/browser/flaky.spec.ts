/** An unreliable network: no damaged shard is cached, only missing bytes are fetched, errors have the right class. */

import { expect, load, test } from "./support/fixtures.js";
import { BEYOND_BUFFERS } from "./support/flaky-server.js";
import { shardName, syntheticModel } from "./support/synthetic-model.js";

const LENGTHS = [1_500_000, 2_000_003, 900_001];
const TOTAL = LENGTHS.reduce((sum, length) => sum + length, 0);

test("a clean load fetches every byte once, the next one none, and works without the server", async ({ server, mock, open }) => {
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  const page = await open();
  const first = await load(page, { url });
  expect(first).toMatchObject({ ok: true, cache: "opfs", inWorker: true, notices: [] });
  expect(server.bytes()).toBe(TOTAL);
  const second = await load(page, { url });
  expect(second).toMatchObject({ ok: true, last: { cachedBytes: TOTAL, networkBytes: 0 } });
  expect(server.bytes()).toBe(TOTAL);
  server.fail("/m/config.json", { kind: "status", status: 503 }, 99);
  server.fail("/m/model.safetensors.index.json", { kind: "cut", after: 0 }, 99);
  expect(await load(page, { url })).toMatchObject({ ok: true, last: { cachedBytes: TOTAL } });
});

test("progress is one monotone total that ends at 1", async ({ server, mock, open }) => {
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  server.fail(`/m/${shardName(0)}`, { kind: "wrong-bytes" });
  server.fail(`/m/${shardName(1)}`, { kind: "slow", bytesPerTick: 60_000 });
  const { fractions, phases } = await load(await open(), { url });
  expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  expect(fractions.at(-1)).toBe(1);
  expect(fractions.length).toBeGreaterThan(5);
  expect(phases.at(-2)).toBe("compile");
  expect(phases.at(-1)).toBe("ready");
});

test("a cut connection is resumed at the byte", async ({ server, mock, open }) => {
  const length = 3 * BEYOND_BUFFERS;
  const url = server.serveModel("m", syntheticModel([900_001, length]));
  server.fail(`/m/${shardName(1)}`, { kind: "cut", after: BEYOND_BUFFERS }, 2);
  expect((await load(await open(), { url })).ok).toBe(true);
  const requests = server.requests(shardName(1));
  expect(requests.map(({ status }) => status)).toEqual([200, 206, 206]);
  const [, second = 0, third = 0] = requests.map(({ start }) => start);
  expect(second).toBeGreaterThan(0);
  expect(second).toBeLessThanOrEqual(BEYOND_BUFFERS);
  expect(third).toBeGreaterThan(second);
  expect(third).toBeLessThanOrEqual(second + BEYOND_BUFFERS);
  expect(requests[2]?.sent).toBe(length - third);
});

test("transient server errors are retried", async ({ server, mock, open }) => {
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  server.fail(`/m/${shardName(0)}`, { kind: "status", status: 500 }, 2);
  server.fail(`/m/${shardName(2)}`, { kind: "status", status: 429 });
  server.fail("/m/config.json", { kind: "status", status: 503 });
  expect((await load(await open(), { url })).ok).toBe(true);
  expect(server.bytes()).toBe(TOTAL);
});

test("a missing shard fails at once, and says which", async ({ server, mock, open }) => {
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  server.fail(`/m/${shardName(1)}`, { kind: "status", status: 404 }, 99);
  const { error } = await load(await open(), { url });
  expect(error).toMatchObject({ name: "NetworkFailed", code: "NETWORK_FAILED", details: { status: 404 } });
  expect(error?.message).toContain(shardName(1));
  expect(server.requests(shardName(1))).toHaveLength(1);
});

test("a server that keeps failing ends in NetworkFailed, after the time that the caller grants", async ({ server, mock, open }) => {
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  server.fail(`/m/${shardName(1)}`, { kind: "status", status: 503 }, 99);
  const page = await open();
  expect((await load(page, { url, retryFor: 0 })).error).toMatchObject({ name: "NetworkFailed", details: { status: 503 } });
  expect(server.requests(shardName(1))).toHaveLength(1);
  const { error } = await load(page, { url, retryFor: 1500 });
  expect(error).toMatchObject({ name: "NetworkFailed", code: "NETWORK_FAILED" });
  expect(server.requests(shardName(1)).length).toBeGreaterThan(3);
});

test("a long outage does not end a load, and its end is noticed at once", async ({ server, mock, open }) => {
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  const down = 12; // without the `online` events: a minute of waiting
  server.fail(`/m/${shardName(1)}`, { kind: "status", status: 503 }, down);
  const page = await open();
  await page.evaluate(() => setInterval(() => dispatchEvent(new Event("online")), 100));
  expect(await load(page, { url, worker: false })).toMatchObject({ ok: true });
  expect(server.requests(shardName(1))).toHaveLength(down + 1);
});

test("config, index and tokenizer are retried like shards, and have a limit", async ({ server, mock, open }) => {
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  for (const name of ["config.json", "tokenizer.json", "model.safetensors.index.json"]) server.fail(`/m/${name}`, { kind: "cut", after: 5 });
  const page = await open();
  expect(await load(page, { url })).toMatchObject({ ok: true });
  const large = server.serveModel("large", [...syntheticModel(LENGTHS), { name: "tokenizer.json", body: Buffer.alloc(130 * 2 ** 20, " ") }]);
  expect((await load(page, { url: large })).error).toMatchObject({ name: "BadModel", message: expect.stringContaining("tokenizer.json is larger than 134 MB") });
});

test("one damaged transfer: that shard alone is fetched again", async ({ server, mock, open }) => {
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  server.fail(`/m/${shardName(1)}`, { kind: "wrong-bytes" });
  expect((await load(await open(), { url })).ok).toBe(true);
  expect(LENGTHS.map((_, number) => server.requests(shardName(number)).length)).toEqual([1, 2, 1]);
});

test("a damaged file ends in WeightsCorrupt and is not cached", async ({ server, mock, open }) => {
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  server.fail(`/m/${shardName(1)}`, { kind: "wrong-bytes" }, 99);
  const page = await open();
  const { error } = await load(page, { url });
  expect(error).toMatchObject({ name: "WeightsCorrupt", code: "WEIGHTS_CORRUPT", details: { shard: shardName(1) } });
  server.heal();
  const before = server.bytes(shardName(1));
  expect((await load(page, { url })).ok).toBe(true);
  expect(server.bytes(shardName(1)) - before).toBe(LENGTHS[1]);
});

test("a truncated file is not accepted, a repaired one is", async ({ server, mock, open }) => {
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  server.fail(`/m/${shardName(2)}`, { kind: "truncate", to: 400_000 }, 99);
  const page = await open();
  const { error } = await load(page, { url });
  expect(error).toMatchObject({ code: "WEIGHTS_CORRUPT", details: { shard: shardName(2) } });
  server.heal();
  expect((await load(page, { url })).ok).toBe(true);
});

test("without Range support a cut shard starts over", async ({ server, mock, open }) => {
  const url = server.serveModel("m", syntheticModel([2 * BEYOND_BUFFERS]));
  server.ranges = false;
  server.fail(`/m/${shardName(0)}`, { kind: "cut", after: BEYOND_BUFFERS });
  expect((await load(await open(), { url })).ok).toBe(true);
  expect(server.requests(shardName(0)).map(({ status }) => status)).toEqual([200, 200]);
});

test("a changed ETag restarts the shard instead of mixing versions", async ({ server, mock, open }) => {
  const url = server.serveModel("m", syntheticModel([2 * BEYOND_BUFFERS]));
  const path = `/m/${shardName(0)}`;
  server.fail(path, { kind: "cut", after: BEYOND_BUFFERS, then: () => server.changeEtag(path) });
  expect((await load(await open(), { url })).ok).toBe(true);
  expect(server.requests(shardName(0)).map(({ status, start }) => [status, start])).toEqual([[200, 0], [200, 0]]);
});

for (const cache of ["opfs", "cache-api"] as const) {
  test(`after an abort and a reload only the missing bytes are fetched (${cache})`, async ({ server, mock, open }) => {
    const url = server.serveModel("m", syntheticModel([1_500_000, 12_000_000]));
    server.fail(`/m/${shardName(1)}`, { kind: "trickle", after: 10_000_000 });
    const page = await open();
    const aborted = await load(page, { url, cache, abortAt: 0.35 });
    expect(aborted.error).toMatchObject({ name: "Aborted", code: "ABORTED" });
    await page.close();
    const again = await load(await open(), { url, cache });
    expect(again).toMatchObject({ ok: true, cache });
    expect(server.requests(shardName(0))).toHaveLength(1);
    const resumed = server.requests(shardName(1))[1];
    expect(resumed).toMatchObject({ status: 206 });
    expect(resumed?.start).toBeGreaterThan(3_000_000);
    expect(again.last?.networkBytes).toBe(12_000_000 - (resumed?.start ?? 0));
  });
}

test("two tabs do not download twice", async ({ server, mock, open }) => {
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  server.fail(`/m/${shardName(0)}`, { kind: "slow", bytesPerTick: 50_000 });
  const pages = [await open(), await open()];
  const outcomes = await Promise.all(pages.map((page) => load(page, { url })));
  expect(outcomes.map(({ ok }) => ok)).toEqual([true, true]);
  expect(server.bytes()).toBe(TOTAL);
});
