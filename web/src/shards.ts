/**
 * Streams all shards of a model to the engine: several lanes fetch, one lane at a time uploads.
 *
 * Only verified shards count as cached. Chunks of 4 MiB go from a blob to the engine; on WebGPU no shard is ever in wasm memory.
 */

import { downloadShard } from "./download.js";
import type { EngineLoader, Sha256 } from "./engine.js";
import { Aborted, WeightsCorrupt, throwIfAborted, toWire } from "./errors.js";
import type { ModelIndex, Shard } from "./model-index.js";
import type { ProgressMeter } from "./progress.js";
import type { ModelFiles } from "./source.js";
import { memoryStore } from "./store-memory.js";
import { type ShardStore, isStorageRefusal, chunks } from "./store.js";

/** Bytes pushed before waiting until the browser has released them. */
const SETTLE_BYTES = 64 * 2 ** 20;

export interface ShardPlan {
  index: ModelIndex;
  files: ModelFiles;
  store: ShardStore;
  loader: EngineLoader;
  newHash: () => Sha256;
  meter: ProgressMeter;
  parallel: number;
  signal: AbortSignal;
}

/** Resolves to the store in use at the end: memory, if the disk was full. */
export async function streamShards(plan: ShardPlan): Promise<ShardStore> {
  const stream = new ShardStream(plan);
  await stream.run();
  return stream.store;
}

class ShardStream {
  store: ShardStore;
  readonly #plan: ShardPlan;
  /** Fires if the caller aborts or a lane fails, and stops all lanes. */
  readonly #stop = new AbortController();
  #uploads: Promise<void> = Promise.resolve();
  #unsettled = 0;
  /** Shards taken from the cache. */
  readonly #found = new Set<Shard>();

  constructor(plan: ShardPlan) {
    this.#plan = plan;
    this.store = plan.store;
  }

  async run(): Promise<void> {
    const { index, parallel, signal } = this.#plan;
    const stop = () => this.#stop.abort();
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop);
    const queue = [...index.shards];
    const lanes = Array.from({ length: Math.max(1, parallel) }, () => this.#lane(queue));
    const outcomes = await Promise.allSettled(lanes);
    signal.removeEventListener("abort", stop);
    throwIfAborted(signal);
    const reasons = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    if (reasons.length > 0) throw reasons.find((reason) => !(reason instanceof Aborted)) ?? reasons[0];
  }

  async #lane(queue: Shard[]): Promise<void> {
    try {
      for (let shard = queue.shift(); shard; shard = queue.shift()) {
        throwIfAborted(this.#stop.signal);
        await this.#deliver(shard);
      }
    } catch (error) {
      this.#stop.abort();
      throw error;
    }
  }

  async #deliver(shard: Shard): Promise<void> {
    const { files, loader } = this.#plan;
    let blob: Blob | undefined;
    try {
      blob = await this.#obtain(shard);
      await this.#inTurn(shard, blob);
    } catch (error) {
      const damaged = toWire(error).code === "WEIGHTS_CORRUPT" && this.#found.has(shard);
      const vanished = blob !== undefined && isStorageRefusal(error);
      if (files.local || !(damaged || vanished)) throw error;
      // the cached copy is damaged, or its storage was cleared: fetch this shard again
      if (vanished) this.#plan.meter.lost(shard.bytes);
      this.#found.delete(shard);
      await this.store.remove(shard.sha256);
      loader.restartShard(shard.file);
      await this.#inTurn(shard, await this.#fetchOnce(shard));
    }
  }

  async #inTurn(shard: Shard, blob: Blob): Promise<void> {
    const upload = this.#uploads.then(() => this.#upload(shard, blob));
    this.#uploads = upload.catch(() => undefined);
    await upload;
  }

  async #obtain(shard: Shard): Promise<Blob> {
    const { files, meter } = this.#plan;
    if (files.local) {
      const blob = await files.blob(shard.file);
      if (blob.size !== shard.bytes) throw wrongLength(shard, blob.size);
      meter.found(blob.size);
      return blob;
    }
    const found = await this.store.find(shard.sha256, shard.bytes);
    if (!found) return this.#fetchOnce(shard);
    this.#found.add(shard);
    meter.found(shard.bytes);
    return found;
  }

  /** One tab fetches. The others wait for its lock and then find the shard in the store. */
  #fetchOnce(shard: Shard): Promise<Blob> {
    if (this.store.kind === "none") return this.#fetch(shard, this.store);
    return exclusively(`audio-flamingo-2-${shard.sha256}`, this.#stop.signal, async () => {
      const found = await this.store.find(shard.sha256, shard.bytes);
      if (found) this.#plan.meter.found(shard.bytes);
      return found ?? (await this.#checkIndex(shard), this.#fetchOrSpill(shard));
    });
  }

  /** A file of this hash and another length proves the index wrong. It may belong to another model: it stays. */
  async #checkIndex(shard: Shard): Promise<void> {
    const cached = await this.store.verified(shard.sha256);
    if (!cached) return;
    const hash = this.#plan.newHash();
    for await (const chunk of chunks(cached)) {
      throwIfAborted(this.#stop.signal);
      hash.update(chunk);
    }
    const whole = hash.digestHex() === shard.sha256;
    hash.free();
    if (whole) throw wrongLength(shard, cached.size);
  }

  /** If the disk is full or forbidden, loading continues without a cache. */
  async #fetchOrSpill(shard: Shard): Promise<Blob> {
    try {
      return await this.#fetch(shard, this.store);
    } catch (error) {
      if (!isStorageRefusal(error)) throw error;
      await this.store.remove(shard.sha256);
      this.store = memoryStore;
      this.#plan.meter.notice(`continuing without cache: ${(error as Error).message || "the disk is full"}`);
      return this.#fetch(shard, memoryStore);
    }
  }

  async #fetch(shard: Shard, store: ShardStore): Promise<Blob> {
    const { files, newHash, meter } = this.#plan;
    if (files.imported) throw new WeightsCorrupt(`${shard.file} is damaged in this browser's storage: load the model again, which imports it again`);
    const part = await store.begin(shard.sha256);
    const hash = newHash();
    const url = new URL(shard.file, files.url).href;
    try {
      return await downloadShard(url, shard, part, hash, meter, files.patience, this.#stop.signal);
    } catch (error) {
      if (isStorageRefusal(error)) meter.lost(part.bytes);
      throw error;
    } finally {
      await part.close().catch(() => undefined); // a part that cannot be stored is fetched again
      hash.free();
    }
  }

  /** The engine hashes what it gets, so that an error on disk is found too. */
  async #upload(shard: Shard, blob: Blob): Promise<void> {
    const { loader, meter } = this.#plan;
    let pushed = 0;
    try {
      for await (const chunk of chunks(blob)) {
        throwIfAborted(this.#stop.signal);
        loader.push(shard.file, chunk);
        this.#unsettled += chunk.byteLength;
        if (this.#unsettled >= SETTLE_BYTES) await this.#settle();
        meter.uploaded(chunk.byteLength);
        pushed += chunk.byteLength;
      }
    } catch (error) {
      meter.uploaded(-pushed);
      throw error;
    }
    try {
      loader.finishShard(shard.file);
    } catch (error) {
      meter.uploaded(-blob.size);
      meter.lost(blob.size);
      throw new WeightsCorrupt(toWire(error).message, { shard: shard.file });
    }
  }

  async #settle(): Promise<void> {
    this.#unsettled = 0;
    await this.#plan.loader.settle();
  }
}

function wrongLength(shard: Shard, bytes: number): WeightsCorrupt {
  const message = `${shard.file} has ${bytes} bytes, its index says ${shard.bytes}: copy the model again`;
  return new WeightsCorrupt(message, { shard: shard.file });
}

/** Runs `work` under a lock that all tabs of this origin share. */
export async function exclusively<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (!navigator.locks) return work();
  try {
    return (await navigator.locks.request(name, { signal }, work)) as T;
  } catch (error) {
    throw error instanceof DOMException && error.name === "AbortError" ? new Aborted() : error;
  }
}
