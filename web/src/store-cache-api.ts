/**
 * Stores shards in the Cache API, for browsers and threads without synchronous file access.
 *
 * A shard is a series of entries of 4 MiB or more and one state entry. The state changes from "part" to "verified" once
 * the hash matched.
 */

import { CHUNK, SHARD_CACHE, type Part, type ShardStore, chunks } from "./store.js";

interface State {
  state: "part" | "verified";
  validator: string | undefined;
  /** Length of every chunk, in bytes. */
  lengths: number[];
}

const EMPTY: State = { state: "part", validator: undefined, lengths: [] };

class CachePart implements Part {
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(
    private readonly cache: Cache,
    private readonly sha256: string,
    private state: State,
  ) {}

  get bytes(): number {
    return sum(this.state.lengths) + this.#pendingBytes;
  }

  get validator(): string | undefined {
    return this.state.validator;
  }

  async *read(): AsyncGenerator<Uint8Array> {
    yield* chunks(new Blob([await stored(this.cache, this.sha256, this.state), ...(this.#pending as BlobPart[])]));
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#pending.push(chunk.slice());
    this.#pendingBytes += chunk.byteLength;
    if (this.#pendingBytes >= CHUNK) await this.#store();
  }

  async restart(validator: string | undefined): Promise<void> {
    await removeShard(this.cache, this.sha256, this.state);
    this.state = { ...EMPTY, validator, lengths: [] };
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  async commit(): Promise<Blob> {
    await this.close();
    this.state = { ...this.state, state: "verified" };
    await writeState(this.cache, this.sha256, this.state);
    return stored(this.cache, this.sha256, this.state);
  }

  async close(): Promise<void> {
    if (this.#pendingBytes > 0) await this.#store();
  }

  async #store(): Promise<void> {
    const body = new Blob(this.#pending as BlobPart[]);
    await this.cache.put(key(this.sha256, this.state.lengths.length), new Response(body));
    this.state.lengths.push(body.size);
    this.#pending = [];
    this.#pendingBytes = 0;
    await writeState(this.cache, this.sha256, this.state);
  }
}

class CacheStore implements ShardStore {
  readonly kind = "cache-api";

  constructor(private readonly cache: Cache) {}

  async find(sha256: string, bytes: number): Promise<Blob | undefined> {
    const blob = await this.verified(sha256);
    return blob?.size === bytes ? blob : undefined;
  }

  async verified(sha256: string): Promise<Blob | undefined> {
    const state = await readState(this.cache, sha256);
    return state?.state === "verified" ? stored(this.cache, sha256, state) : undefined;
  }

  async held(sha256: string, bytes: number): Promise<number> {
    return Math.min(sum((await readState(this.cache, sha256))?.lengths ?? []), bytes);
  }

  async begin(sha256: string): Promise<Part> {
    const state = await readState(this.cache, sha256);
    const part = new CachePart(this.cache, sha256, state ?? { ...EMPTY, lengths: [] });
    if (state?.state === "verified") await part.restart(undefined);
    return part;
  }

  async remove(sha256: string): Promise<void> {
    const state = await readState(this.cache, sha256);
    if (state) await removeShard(this.cache, sha256, state);
  }
}

/** The store, or undefined if the browser has none. */
export async function cacheApiStore(): Promise<ShardStore | undefined> {
  try {
    return new CacheStore(await caches.open(SHARD_CACHE));
  } catch {
    return undefined;
  }
}

/** Cache keys are URLs. `.invalid` is reserved: nothing is ever fetched from it. */
function key(sha256: string, chunk: number | "state"): string {
  return `https://shards.invalid/${sha256}/${chunk}`;
}

async function readState(cache: Cache, sha256: string): Promise<State | undefined> {
  const response = await cache.match(key(sha256, "state"));
  const state = (await response?.json().catch(() => undefined)) as Partial<State> | undefined;
  return Array.isArray(state?.lengths) ? (state as State) : undefined; // anything else is as good as nothing
}

async function writeState(cache: Cache, sha256: string, state: State): Promise<void> {
  await cache.put(key(sha256, "state"), new Response(JSON.stringify(state)));
}

async function removeShard(cache: Cache, sha256: string, state: State): Promise<void> {
  await cache.delete(key(sha256, "state"));
  await Promise.all(state.lengths.map((_, chunk) => cache.delete(key(sha256, chunk))));
}

async function stored(cache: Cache, sha256: string, state: State): Promise<Blob> {
  const blobs = state.lengths.map(async (_, chunk) => (await cache.match(key(sha256, chunk)))?.blob() ?? new Blob());
  return new Blob(await Promise.all(blobs));
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
