/** The public face of the cache. */

import { storageReport } from "./cache.js";
import { borrow } from "./one-off.js";
import type { CachedModel, StorageReport, VerifyReport } from "./types.js";

export const cacheManager = {
  /** Models of earlier visits, newest first. */
  list: (): Promise<CachedModel[]> => borrow((connection) => connection.call("cacheList", {})),
  /** Deletes a model; shards that another model shares stay. */
  delete: (id: string): Promise<void> => borrow((connection) => connection.call("cacheDelete", { id })),
  /** Hashes every shard again and deletes the bad ones. */
  verify: (id: string, options: { signal?: AbortSignal } = {}): Promise<VerifyReport> =>
    borrow((connection) => connection.call("cacheVerify", { id }, options)),
  /** What the browser grants and what is used. */
  usage: (): Promise<StorageReport> => storageReport(),
  /** Asks the browser not to evict the cache; returns whether it agreed. */
  persist: async (): Promise<boolean> => (await navigator.storage?.persist?.()) ?? false,
} as const;
