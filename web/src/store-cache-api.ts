/**
 * Shards in the Cache API, for browsers and threads without synchronous file access.
 *
 * A shard is a row of entries of a few MiB and one entry that describes them; the description turns from "part" to
 * "verified" after the hash matched.
 */

import { PIECE, type Part, type ShardStore, pieces } from "./store.js";

const NAME = "audio-flamingo-2-shards";

interface State {
  state: "part" | "verified";
  validator: string | undefined;
  /** Length of every piece. */
  lengths: number[];
}

const EMPTY: State = { state: "part", validator: undefined, lengths: [] };

class CachePart implements Part {
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  constructor(
    private readonly cache: Cache,
    private readonly sha256: string,
    private state: State,
  ) {}

  get bytes(): number {
    return sum(this.state.lengths) + this.#waitingBytes;
  }

  get validator(): string | undefined {
    return this.state.validator;
  }

  async *read(): AsyncGenerator<Uint8Array> {
    yield* pieces(new Blob([await stored(this.cache, this.sha256, this.state), ...(this.#waiting as BlobPart[])]));
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#waiting.push(chunk.slice());
    this.#waitingBytes += chunk.byteLength;
    if (this.#waitingBytes >= PIECE) await this.#store();
  }

  async restart(validator: string | undefined): Promise<void> {
    await removeShard(this.cache, this.sha256, this.state);
    this.state = { ...EMPTY, validator, lengths: [] };
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  async commit(): Promise<Blob> {
    await this.close();
    this.state = { ...this.state, state: "verified" };
    await writeState(this.cache, this.sha256, this.state);
    return stored(this.cache, this.sha256, this.state);
  }

  async close(): Promise<void> {
    if (this.#waitingBytes > 0) await this.#store();
  }

  async #store(): Promise<void> {
    const body = new Blob(this.#waiting as BlobPart[]);
    await this.cache.put(key(this.sha256, this.state.lengths.length), new Response(body));
    this.state.lengths.push(body.size);
    this.#waiting = [];
    this.#waitingBytes = 0;
    await writeState(this.cache, this.sha256, this.state);
  }
}

class CacheStore implements ShardStore {
  readonly kind = "cache-api";

  constructor(private readonly cache: Cache) {}

  async find(sha256: string, bytes: number): Promise<Blob | undefined> {
    const state = await readState(this.cache, sha256);
    if (state?.state !== "verified") return undefined;
    const blob = await stored(this.cache, sha256, state);
    return blob.size === bytes ? blob : undefined;
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

/** The store, or undefined where the browser has none. */
export async function cacheApiStore(): Promise<ShardStore | undefined> {
  try {
    return new CacheStore(await caches.open(NAME));
  } catch {
    return undefined;
  }
}

/** Keys must look like addresses; this one is reserved and never fetched. */
function key(sha256: string, piece: number | "state"): string {
  return `https://shards.invalid/${sha256}/${piece}`;
}

async function readState(cache: Cache, sha256: string): Promise<State | undefined> {
  const response = await cache.match(key(sha256, "state"));
  return response && ((await response.json()) as State);
}

async function writeState(cache: Cache, sha256: string, state: State): Promise<void> {
  await cache.put(key(sha256, "state"), new Response(JSON.stringify(state)));
}

async function removeShard(cache: Cache, sha256: string, state: State): Promise<void> {
  await cache.delete(key(sha256, "state"));
  await Promise.all(state.lengths.map((_, piece) => cache.delete(key(sha256, piece))));
}

async function stored(cache: Cache, sha256: string, state: State): Promise<Blob> {
  const blobs = state.lengths.map(async (_, piece) => (await cache.match(key(sha256, piece)))?.blob() ?? new Blob());
  return new Blob(await Promise.all(blobs));
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
