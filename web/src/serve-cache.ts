/** Lists, verifies and deletes cached models. */

import { allStores, cachedBytes } from "./cache.js";
import { entries, forget, ids, indexOf, recall } from "./catalogue.js";
import { anyEngine } from "./check.js";
import type { Sha256 } from "./engine.js";
import { BadRequest } from "./errors.js";
import { listUnfinished, removeUnfinished } from "./import/unfinished.js";
import type { Shard } from "./model-index.js";
import { type ShardStore, chunks } from "./store.js";
import type { CachedModel, VerifyReport } from "./types.js";

/** Cached models, newest first, then the damaged entries. */
export async function list(): Promise<CachedModel[]> {
  const stores = await allStores();
  const readable = await entries();
  const damaged = (await ids()).filter((id) => !readable.some((entry) => entry.id === id));
  const models = await Promise.all(
    readable.map(async (entry) => {
      const index = indexOf(entry);
      const found = await Promise.all(index.shards.map((shard) => isPresent(stores, shard)));
      const { id, url, savedAt } = entry;
      const { name, totalBytes } = index;
      return { id, name, url, totalBytes, cachedBytes: await cachedBytes(index), complete: found.every(Boolean), savedAt };
    }),
  );
  return [...models, ...damaged.map(unreadable), ...(await listUnfinished())];
}

/** A damaged entry: it can be deleted. */
function unreadable(id: string): CachedModel {
  return { id, name: "damaged entry", url: "", totalBytes: 0, cachedBytes: 0, complete: false, savedAt: 0 };
}

/** Deletes a model; shards that another model shares stay. */
export async function remove(id: string): Promise<void> {
  if (await removeUnfinished(id)) return;
  if (!(await ids()).includes(id)) throw new BadRequest(`no cached model has the id ${id}`);
  const entry = await recall(id);
  await forget(id);
  if (!entry) return; // damaged: its shards are unknown
  const shared = new Set((await entries()).flatMap((other) => indexOf(other).shards.map(({ sha256 }) => sha256)));
  for (const { sha256 } of indexOf(entry).shards) {
    if (!shared.has(sha256)) await Promise.all((await allStores()).map((store) => store.remove(sha256)));
  }
}

/** Hashes every cached shard again and deletes the bad ones. */
export async function verify(id: string, signal: AbortSignal): Promise<VerifyReport> {
  const { Sha256 } = await anyEngine();
  const hash = new Sha256();
  return examined(id, hash, signal).finally(() => hash.free());
}

async function examined(id: string, hash: Sha256, signal: AbortSignal): Promise<VerifyReport> {
  const entry = await recall(id);
  if (!entry) throw new BadRequest(`no cached model has the id ${id}`);
  const report: VerifyReport = { ok: true, bad: [], missing: [] };
  const stores = await allStores();
  for (const shard of indexOf(entry).shards) {
    const health = await examine(stores, shard, hash, signal);
    if (health !== "good") report[health].push(shard.file);
  }
  return { ...report, ok: report.bad.length === 0 && report.missing.length === 0 };
}

async function examine(stores: ShardStore[], shard: Shard, hash: Sha256, signal: AbortSignal): Promise<"good" | "bad" | "missing"> {
  let health: "good" | "bad" | "missing" = "missing";
  for (const store of stores) {
    const blob = await store.find(shard.sha256, shard.bytes);
    if (!blob) continue;
    if ((await hashOf(blob, hash, signal)) === shard.sha256) return "good";
    await store.remove(shard.sha256);
    health = "bad";
  }
  return health;
}

async function hashOf(blob: Blob, hash: Sha256, signal: AbortSignal): Promise<string> {
  for await (const chunk of chunks(blob)) {
    signal.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digestHex();
}

async function isPresent(stores: ShardStore[], { sha256, bytes }: Shard): Promise<boolean> {
  const found = await Promise.all(stores.map((store) => store.find(sha256, bytes)));
  return found.some(Boolean);
}
