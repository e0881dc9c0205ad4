/** The public interface of the cache: `AudioFlamingo.cache`. */

import { storageReport } from "./cache.js";
import { withConnection } from "./one-off.js";
import type { CachedModel, StorageReport, VerifyReport } from "./types.js";

export const cacheManager = {
  /** Cached models, newest first. */
  list: (): Promise<CachedModel[]> => withConnection((connection) => connection.call("cacheList", {})),
  /** Deletes a model; shards that another model shares stay. */
  delete: (id: string): Promise<void> => withConnection((connection) => connection.call("cacheDelete", { id })),
  /** Hashes every shard again and deletes the bad ones. */
  verify: (id: string, options: { signal?: AbortSignal } = {}): Promise<VerifyReport> =>
    withConnection((connection) => connection.call("cacheVerify", { id }, options)),
  /** Storage granted and used, in bytes. */
  usage: (): Promise<StorageReport> => storageReport(),
  /** Asks the browser not to evict the cache. Resolves to its consent. */
  persist: async (): Promise<boolean> => (await navigator.storage?.persist?.()) ?? false,
} as const;
