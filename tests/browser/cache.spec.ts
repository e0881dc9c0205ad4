/** The cache: its contents, damaged shards, and a full disk. */

import { readFile } from "node:fs/promises";
import { LIB, expect, load, test } from "./support/fixtures.js";
import { shardName, syntheticModel } from "./support/synthetic-model.js";

const LENGTHS = [1_500_000, 700_003];
const TOTAL = LENGTHS[0]! + LENGTHS[1]!;

/** Makes both stores fail as they do where storage is forbidden. */
const FORBIDDEN = `
const refuse = () => Promise.reject(new DOMException("storage is forbidden", "SecurityError"));
Object.assign(StorageManager.prototype, { getDirectory: refuse, estimate: refuse });
Object.assign(CacheStorage.prototype, { open: refuse, match: refuse });
`;

test("list, usage and delete", async ({ server, mock, open }) => {
  const page = await open();
  for (const [seed, name] of ["one", "two"].entries()) {
    const url = server.serveModel(name, syntheticModel(LENGTHS, { seed: seed + 1 }));
    expect((await load(page, { url })).ok).toBe(true);
  }
  const listed = await page.evaluate(() => window.AudioFlamingo.cache.list());
  expect(listed.map(({ name }) => name)).toEqual(["synthetic-2", "synthetic-1"]);
  expect(listed[0]).toMatchObject({ totalBytes: TOTAL, cachedBytes: TOTAL, complete: true });
  const usage = await page.evaluate(() => window.AudioFlamingo.cache.usage());
  expect(usage.usedBytes).toBeGreaterThanOrEqual(2 * TOTAL);
  await page.evaluate((id) => window.AudioFlamingo.cache.delete(id), listed[0]!.id);
  const left = await page.evaluate(() => window.AudioFlamingo.cache.list());
  expect(left.map(({ name }) => name)).toEqual(["synthetic-1"]);
});

test("models that share a shard store it once, and deleting one keeps the other", async ({ server, mock, open }) => {
  const page = await open();
  const files = syntheticModel(LENGTHS);
  const urls = [server.serveModel("one", files), server.serveModel("two", files)];
  for (const url of urls) expect((await load(page, { url })).ok).toBe(true);
  expect(server.bytes()).toBe(TOTAL);
  const [first] = await page.evaluate(() => window.AudioFlamingo.cache.list());
  await page.evaluate((id) => window.AudioFlamingo.cache.delete(id), first!.id);
  const [other] = await page.evaluate(() => window.AudioFlamingo.cache.list());
  expect(other).toMatchObject({ complete: true });
});

test("verify finds a damaged shard, deletes it, and the next load repairs it", async ({ server, mock, open }) => {
  const page = await open();
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  await load(page, { url });
  await damageLargestFile(page);
  const [model] = await page.evaluate(() => window.AudioFlamingo.cache.list());
  const report = await page.evaluate((id) => window.AudioFlamingo.cache.verify(id), model!.id);
  expect(report).toEqual({ ok: false, bad: [shardName(0)], missing: [] });
  expect((await load(page, { url })).ok).toBe(true);
  expect(server.requests(shardName(0))).toHaveLength(2);
  expect(server.requests(shardName(1))).toHaveLength(1);
});

test("a damaged cached shard is found while loading, and only that shard is fetched again", async ({ server, mock, open }) => {
  const page = await open();
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  await load(page, { url });
  await damageLargestFile(page);
  expect(await load(page, { url })).toMatchObject({ ok: true, cache: "opfs" });
  expect([server.requests(shardName(0)).length, server.requests(shardName(1)).length]).toEqual([2, 1]);
  expect((await load(page, { url })).last).toMatchObject({ networkBytes: 0 });
});

test("a full disk: loading continues without a cache, and a notice says so", async ({ server, mock, open }) => {
  const page = await open();
  const session = await page.context().newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", { origin: server.origin, quotaSize: 1_000_000 });
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  const outcome = await load(page, { url });
  expect(outcome).toMatchObject({ ok: true, cache: "none" });
  expect(outcome.notices?.join()).toContain("without cache");
});

test("a disk that fills up while loading ends caching, not loading", async ({ server, mock, open }) => {
  const page = await open();
  const session = await page.context().newCDPSession(page);
  const url = server.serveModel("m", syntheticModel([1_000_000, 6_000_000]));
  server.fail(`/m/${shardName(1)}`, { kind: "trickle", after: 500_000 });
  const loading = load(page, { url });
  await expect.poll(() => server.bytes(shardName(1))).toBeGreaterThan(500_000);
  await session.send("Storage.overrideQuotaForOrigin", { origin: server.origin, quotaSize: 2_000_000 });
  server.heal();
  const outcome = await loading;
  expect(outcome).toMatchObject({ ok: true, cache: "none" });
  expect(outcome.notices?.join()).toContain("without cache");
});

test("cache none stores nothing; the main thread uses the Cache API", async ({ server, mock, open }) => {
  const page = await open();
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  expect(await load(page, { url, cache: "none" })).toMatchObject({ ok: true, cache: "none" });
  expect(await page.evaluate(() => window.AudioFlamingo.cache.list())).toEqual([]);
  const main = await load(page, { url, worker: false });
  expect(main).toMatchObject({ ok: true, cache: "cache-api", inWorker: false });
  expect(main.notices?.join()).toContain("no file system here: the model is stored in its Cache API");
  expect(server.bytes()).toBe(2 * TOTAL);
  expect((await load(page, { url, cache: "cache-api" })).last).toMatchObject({ networkBytes: 0 });
});

test("a damaged entry of the catalogue is listed, can be deleted, and harms no other", async ({ server, mock, open }) => {
  const page = await open();
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  await load(page, { url });
  const outcome = await page.evaluate(async () => {
    const catalogue = await caches.open("audio-flamingo-2-models");
    const bodies = { broken: "{", empty: "null", foreign: '{"id":"x","url":1,"config":"[]","tokenizer":"","index":"{}"}' };
    for (const [id, body] of Object.entries(bodies)) await catalogue.put(`https://models.invalid/${id}`, new Response(body));
    const { cache } = window.AudioFlamingo;
    const names = async () => (await cache.list()).map(({ name }) => name);
    const before = await names();
    const unknown = await cache.delete("nothing").catch(({ code }) => code);
    for (const id of Object.keys(bodies)) await cache.delete(id);
    return { before, unknown, after: await names() };
  });
  const damaged = Array.from({ length: 3 }, () => "damaged entry");
  expect(outcome).toEqual({ before: ["synthetic-1", ...damaged], unknown: "BAD_REQUEST", after: ["synthetic-1"] });
  expect(await load(page, { url })).toMatchObject({ ok: true, last: { networkBytes: 0 } });
});

for (const cache of ["opfs", "cache-api"] as const) {
  test(`a wrong length for a cached hash is refused, and the verified shard stays (${cache})`, async ({ server, mock, open }) => {
    const page = await open();
    const files = syntheticModel(LENGTHS);
    const url = server.serveModel("m", files);
    await load(page, { url, cache });
    const lying = files.map(({ name, body }) => {
      return { name, body: name.endsWith("index.json") ? Buffer.from(body.toString().replace(String(LENGTHS[0]), "1400000")) : body };
    });
    const { error } = await load(page, { url: server.serveModel("lying", lying), cache });
    expect(error).toMatchObject({ code: "WEIGHTS_CORRUPT", details: { shard: shardName(0) } });
    expect(await load(page, { url, cache })).toMatchObject({ ok: true, last: { networkBytes: 0 } });
  });
}

test("a quota of one byte: the model loads without a cache", async ({ server, mock, open }) => {
  const page = await open();
  const session = await page.context().newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", { origin: server.origin, quotaSize: 1 });
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  expect(await load(page, { url })).toMatchObject({ ok: true, cache: "none" });
  expect(await page.evaluate(() => window.AudioFlamingo.cache.list())).toEqual([]);
});

test("storage forbidden, as in some private windows: the model loads without a cache", async ({ server, mock, open }) => {
  server.serveText("/lib/worker.js", FORBIDDEN + (await readFile(`${LIB}worker.js`, "utf8")), "text/javascript");
  const page = await open();
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  const outcome = await load(page, { url });
  expect(outcome).toMatchObject({ ok: true, inWorker: true, cache: "none" });
  expect(outcome.notices?.join()).toContain("this browser stores nothing here");
  expect(await page.evaluate(() => window.AudioFlamingo.cache.list())).toEqual([]);
});

test("storage cleared while loading, and after: the load and the next one succeed", async ({ server, mock, open }) => {
  const page = await open();
  const session = await page.context().newCDPSession(page);
  const clear = () => session.send("Storage.clearDataForOrigin", { origin: server.origin, storageTypes: "all" });
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  server.fail(`/m/${shardName(1)}`, { kind: "trickle", after: 200_000 });
  const loading = load(page, { url });
  await expect.poll(() => server.bytes(shardName(1))).toBeGreaterThan(200_000);
  await clear();
  server.heal();
  expect(await loading).toMatchObject({ ok: true });
  await load(page, { url });
  await clear();
  expect(await page.evaluate(() => window.AudioFlamingo.cache.list())).toEqual([]);
  expect(await load(page, { url })).toMatchObject({ ok: true, cache: "opfs", last: { networkBytes: TOTAL } });
});

test("check reports what a load would fetch, without fetching shards", async ({ server, mock, open }) => {
  const page = await open();
  const url = server.serveModel("m", syntheticModel(LENGTHS));
  const before = await page.evaluate((address) => window.AudioFlamingo.check(address), url);
  expect(before.model).toMatchObject({ name: "synthetic-1", totalBytes: TOTAL, cachedBytes: 0, neededBytes: TOTAL });
  expect(server.bytes()).toBe(0);
  await load(page, { url });
  const after = await page.evaluate((address) => window.AudioFlamingo.check(address), url);
  expect(after.model).toMatchObject({ cachedBytes: TOTAL, neededBytes: 0 });
  expect(after.verdict).toContain("nothing to download");
});

test("local files load without a server, damaged ones are named", async ({ server, mock, open }) => {
  const page = await open();
  const files = syntheticModel(LENGTHS).map(({ name, body }) => ({ name, base64: body.toString("base64") }));
  const outcome = await page.evaluate(async (list) => {
    const decode = (base64: string) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const good = list.map(({ name, base64 }) => new File([decode(base64)], name));
    const model = await window.AudioFlamingo.load(good, { engine: "webgpu" });
    await model.dispose();
    const bad = good.map((file) => (file.name === "shard-1.safetensors" ? new File([file.slice(0, -1), "!"], file.name) : file));
    const code = await window.AudioFlamingo.load(bad, { engine: "webgpu" }).catch((error) => [error.code, error.shard]);
    const missing = await window.AudioFlamingo.load(good.slice(0, 3), { engine: "webgpu" }).catch((error) => [error.code, error.message]);
    return { cache: model.info.cache, code, missing };
  }, files);
  expect(outcome.cache).toBe("none");
  expect(outcome.code).toEqual(["WEIGHTS_CORRUPT", shardName(1)]);
  expect(outcome.missing).toEqual(["BAD_MODEL", expect.stringContaining(shardName(0))]);
});

test("a changed bit of a small file is refused; a model that lists no hashes loads with a notice", async ({ server, mock, open }) => {
  const page = await open();
  for (const name of ["config.json", "tokenizer.json"]) {
    const files = syntheticModel(LENGTHS).map((file) => {
      const text = file.name === name ? file.body.toString().replace(/[a-z]/, (letter) => letter.toUpperCase()) : undefined;
      return text === undefined ? file : { name, body: Buffer.from(text) };
    });
    const { error } = await load(page, { url: server.serveModel(`changed-${name}`, files) });
    expect(error).toMatchObject({ code: "WEIGHTS_CORRUPT", message: expect.stringContaining(`${name} is not the file`) });
  }
  expect(server.bytes()).toBe(0); // no shard was asked for
  const index = "model.safetensors.index.json";
  const old = syntheticModel(LENGTHS).map((file) => {
    if (file.name !== index) return file;
    return { name: index, body: Buffer.from(JSON.stringify({ ...JSON.parse(file.body.toString()), files: undefined })) };
  });
  const outcome = await load(page, { url: server.serveModel("old", old) });
  expect(outcome.ok).toBe(true);
  expect(outcome.notices?.join()).toContain("no SHA-256 of config.json and tokenizer.json");
});

test("a folder that is no model is a BadModel", async ({ server, mock, open }) => {
  const page = await open();
  const broken = (name: string, body: string) => {
    const files = syntheticModel(LENGTHS).map((file) => (file.name === name ? { name, body: Buffer.from(body) } : file));
    return server.serveModel(`broken-${Math.random()}`, files);
  };
  const index = "model.safetensors.index.json";
  const cases: [string, string][] = [
    [index, "<!doctype html>"],
    [index, "{}"],
    [index, '{"shards":{}}'],
    [index, '{"shards":{"../x":{"bytes":1,"sha256":"' + "0".repeat(64) + '"}}}'],
    [index, '{"shards":{"..":{"bytes":1,"sha256":"' + "0".repeat(64) + '"}}}'],
    [index, '{"shards":{"x":{"bytes":1,"sha256":"' + "0".repeat(64) + '"},"y":{"bytes":2,"sha256":"' + "0".repeat(64) + '"}}}'],
    [index, '{"shards":{"x":{"bytes":1e30,"sha256":"' + "0".repeat(64) + '"}}}'],
    [index, '{"shards":{"x":{"bytes":10,"sha256":"nope"}}}'],
    ["config.json", "[]"],
  ];
  for (const [name, body] of cases) {
    expect((await load(page, { url: broken(name, body) })).error).toMatchObject({ name: "BadModel", code: "BAD_MODEL" });
  }
});

/** Flips one bit of the largest stored shard. */
async function damageLargestFile(page: import("@playwright/test").Page): Promise<void> {
  await page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle("audio-flamingo-2-shards");
    let largest: { handle: FileSystemFileHandle; file: File } | undefined;
    for await (const handle of folder.values()) {
      const file = await (handle as FileSystemFileHandle).getFile();
      if (!largest || file.size > largest.file.size) largest = { handle: handle as FileSystemFileHandle, file };
    }
    const bytes = new Uint8Array(await largest!.file.arrayBuffer());
    bytes[1000] = (bytes[1000] ?? 0) ^ 4;
    const stream = await largest!.handle.createWritable();
    await stream.write(bytes);
    await stream.close();
  });
}
