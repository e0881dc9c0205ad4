/** Where shards are kept. A shard is addressed by its SHA-256 and counts as present only after it was verified. */

import type { CacheKind } from "./types.js";

/** A shard on its way in: what has arrived so far, kept across interruptions where the store can. */
export interface Part {
  /** Bytes held. */
  readonly bytes: number;
  /** ETag under which they were served. */
  readonly validator: string | undefined;
  /** The bytes held, in order, in pieces of a few MiB. */
  read(): AsyncIterable<Uint8Array>;
  append(chunk: Uint8Array): void | Promise<void>;
  /** Forgets everything and starts at byte 0. */
  restart(validator: string | undefined): Promise<void>;
  /** The caller has matched the hash: from now on the shard is present. */
  commit(): Promise<Blob>;
  /** Keeps what arrived for the next attempt. Harmless after `commit`. */
  close(): Promise<void>;
}

export interface ShardStore {
  readonly kind: CacheKind;
  /** The verified shard, or undefined. */
  find(sha256: string, bytes: number): Promise<Blob | undefined>;
  /** Bytes of it that need not be fetched again. */
  held(sha256: string, bytes: number): Promise<number>;
  begin(sha256: string): Promise<Part>;
  remove(sha256: string): Promise<void>;
}

/** Size of the pieces in which bytes travel. */
export const PIECE = 4 * 2 ** 20;

/** A blob's bytes in pieces; the next piece is read while the caller works on the last one. */
export async function* pieces(blob: Blob, size = PIECE): AsyncGenerator<Uint8Array> {
  const read = (start: number) => blob.slice(start, start + size).arrayBuffer();
  let next = read(0);
  for (let start = 0; start < blob.size; start += size) {
    const piece = await next;
    if (start + size < blob.size) {
      next = read(start + size);
      next.catch(() => undefined);
    }
    yield new Uint8Array(piece);
  }
}

/** A store could not take bytes; whatever its reason, another store may. */
export class StorageRefused extends Error {}

/** Whether the store itself refused: no room, or storage forbidden. */
export function isStorageRefusal(error: unknown): boolean {
  if (error instanceof StorageRefused) return true;
  const names = ["QuotaExceededError", "SecurityError", "NotAllowedError", "InvalidStateError", "NoModificationAllowedError"];
  return error instanceof DOMException && names.includes(error.name);
}
