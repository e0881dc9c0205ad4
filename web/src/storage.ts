/** The public interface of the cache: `AudioFlamingo.cache`. */

import { storageReport } from "./cache.js";
import { guarded } from "./guard.js";
import { type OneOffOptions, withConnection } from "./one-off.js";
import type { CachedModel, StorageReport, VerifyReport } from "./types.js";

export const cacheManager = {
  /** Cached models, newest first. */
  list: (): Promise<CachedModel[]> => withConnection((connection) => connection.call("cacheList", {})),
  /** Deletes a model; shards that another model shares stay. */
  delete: (id: string): Promise<void> => withConnection((connection) => connection.call("cacheDelete", { id })),
  /** Hashes every shard again and deletes the bad ones. */
  verify: (id: string, options: OneOffOptions = {}): Promise<VerifyReport> =>
    withConnection((connection) => connection.call("cacheVerify", { id }, { signal: options.signal }), options),
  /** Storage granted and used, in bytes. */
  usage: (): Promise<StorageReport> => guarded(storageReport),
  /** Asks the browser not to evict the cache. Resolves to its consent. */
  persist: (): Promise<boolean> => guarded(async () => (await navigator.storage?.persist?.()) ?? false),
} as const;
