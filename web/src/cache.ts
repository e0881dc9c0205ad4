/** The stores of shards: opens one, and says what all of them hold. */

import type { ModelIndex } from "./model-index.js";
import { memoryStore } from "./store-memory.js";
import { opfsFiles, opfsStore } from "./store-opfs.js";
import { SHARD_CACHE, type ShardStore } from "./store.js";
import type { CacheKind, StorageReport } from "./types.js";

/** For browsers and threads without synchronous file access, and fetched by those. */
const cacheApiStore = async () => (await import("./store-cache-api.js")).cacheApiStore();

/** The store asked for, or the next one that the browser has. */
export async function openStore(kind: CacheKind): Promise<ShardStore> {
  if (kind === "none") return memoryStore;
  const opfs = kind === "opfs" ? await opfsStore() : undefined;
  const store = opfs ?? (await cacheApiStore()) ?? memoryStore;
  const files = kind === "opfs" && !opfs ? await opfsFiles() : undefined;
  return files ? alsoIn(files, store) : store;
}

/** Threads that cannot write to the file system read what others have stored there: nothing is fetched or stored twice. */
function alsoIn(files: ShardStore, store: ShardStore): ShardStore {
  return {
    kind: store.kind,
    find: async (sha256, bytes) => (await files.find(sha256, bytes)) ?? store.find(sha256, bytes),
    verified: async (sha256) => (await files.verified(sha256)) ?? store.verified(sha256),
    held: async (sha256, bytes) => Math.max(await files.held(sha256, bytes), await store.held(sha256, bytes)),
    begin: (sha256) => store.begin(sha256),
    remove: async (sha256) => void (await Promise.all([files.remove(sha256), store.remove(sha256)])),
  };
}

/** Every store that may hold cached shards. */
export async function allStores(): Promise<ShardStore[]> {
  return [await opfsFiles(), (await usesCacheApi()) ? await cacheApiStore() : undefined].filter((store) => store !== undefined);
}

async function usesCacheApi(): Promise<boolean> {
  try {
    return await caches.has(SHARD_CACHE);
  } catch {
    return false; // there is none here, or it is refused
  }
}

export async function storageReport(): Promise<StorageReport> {
  const estimate = (await navigator.storage?.estimate?.().catch(() => undefined)) ?? {};
  const persisted = (await navigator.storage?.persisted?.().catch(() => false)) ?? false;
  return { quotaBytes: estimate.quota ?? 0, usedBytes: estimate.usage ?? 0, persisted };
}

/** Bytes of a model that are cached in some store. */
export async function cachedBytes({ shards }: ModelIndex): Promise<number> {
  const stores = await allStores();
  const held = shards.map(async ({ sha256, bytes }) => {
    return Math.max(0, ...(await Promise.all(stores.map((store) => store.held(sha256, bytes)))));
  });
  return (await Promise.all(held)).reduce((sum, bytes) => sum + bytes, 0);
}
