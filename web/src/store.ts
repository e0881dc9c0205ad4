/** The interface of a shard store. A shard is addressed by its SHA-256, and is present only once it is verified. */

import type { CacheKind } from "./types.js";

/** Name of the shards' cache in the Cache API. */
export const SHARD_CACHE = "audio-flamingo-2-shards";

/** A shard that is being fetched: the bytes so far, stored across interruptions if the store can. */
export interface Part {
  /** Bytes stored so far. */
  readonly bytes: number;
  /** ETag of the response they came from. */
  readonly validator: string | undefined;
  /** The bytes stored so far, in order, in chunks. */
  read(): AsyncIterable<Uint8Array>;
  append(chunk: Uint8Array): void | Promise<void>;
  /** Discards all bytes. */
  restart(validator: string | undefined): Promise<void>;
  /** Marks the shard as present. Call it only after the hash matched. */
  commit(): Promise<Blob>;
  /** Stores the bytes so far for the next attempt. Does nothing after `commit`. */
  close(): Promise<void>;
}

export interface ShardStore {
  readonly kind: CacheKind;
  /** The verified shard if it has this length, or undefined. */
  find(sha256: string, bytes: number): Promise<Blob | undefined>;
  /** What was stored as verified under this hash, of any length. */
  verified(sha256: string): Promise<Blob | undefined>;
  /** Bytes of the shard that are stored, verified or not. */
  held(sha256: string, bytes: number): Promise<number>;
  begin(sha256: string): Promise<Part>;
  remove(sha256: string): Promise<void>;
}

/** Bytes in a chunk. */
export const CHUNK = 4 * 2 ** 20;

/** A blob's bytes in chunks. The next chunk is read while the caller uses the last one. */
export async function* chunks(blob: Blob, size = CHUNK): AsyncGenerator<Uint8Array> {
  const read = (start: number) => blob.slice(start, start + size).arrayBuffer();
  let next = read(0);
  for (let start = 0; start < blob.size; start += size) {
    const chunk = await next;
    if (start + size < blob.size) {
      next = read(start + size);
      next.catch(() => undefined);
    }
    yield new Uint8Array(chunk);
  }
}

/** A store could not take bytes. Another store may. */
export class StorageRefused extends Error {}

/** Names of the exceptions of a full, forbidden, locked or cleared storage. */
const REFUSALS = new Set([
  "InvalidStateError",
  "NoModificationAllowedError",
  "NotAllowedError",
  "NotFoundError",
  "NotReadableError",
  "QuotaExceededError",
  "SecurityError",
  "UnknownError",
]);

/** Whether the error is a store's. */
export function isStorageRefusal(error: unknown): boolean {
  if (error instanceof StorageRefused) return true;
  return error instanceof DOMException && REFUSALS.has(error.name);
}
