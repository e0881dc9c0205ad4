/**
 * All shards of a model on their way to the engine: several lanes fetch, one at a time uploads.
 *
 * Nothing unverified reaches the engine or counts as cached, and no shard sits in wasm memory: pieces of a few MiB go
 * from a blob straight to the GPU.
 */

import { downloadShard } from "./download.js";
import type { EngineLoader, Sha256 } from "./engine.js";
import { Aborted, WeightsCorrupt, throwIfAborted } from "./errors.js";
import type { Manifest, Shard } from "./manifest.js";
import type { ProgressMeter } from "./progress.js";
import type { ModelFiles } from "./source.js";
import { memoryStore } from "./store-memory.js";
import { type ShardStore, isStorageRefusal, pieces } from "./store.js";

export interface ShardPlan {
  manifest: Manifest;
  files: ModelFiles;
  store: ShardStore;
  loader: EngineLoader;
  newHash: () => Sha256;
  meter: ProgressMeter;
  parallel: number;
  verifyCached: boolean;
  signal: AbortSignal;
}

/** Returns the store in use at the end: a full disk turns it into memory. */
export async function streamShards(plan: ShardPlan): Promise<ShardStore> {
  const stream = new ShardStream(plan);
  await stream.run();
  return stream.store;
}

class ShardStream {
  store: ShardStore;
  readonly #plan: ShardPlan;
  /** Fires when the caller aborts or a lane fails: the other lanes stop too. */
  readonly #stop = new AbortController();
  #uploads: Promise<void> = Promise.resolve();

  constructor(plan: ShardPlan) {
    this.#plan = plan;
    this.store = plan.store;
  }

  async run(): Promise<void> {
    const { manifest, parallel, signal } = this.#plan;
    const stop = () => this.#stop.abort();
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop);
    const queue = [...manifest.shards];
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
    const blob = await this.#obtain(shard);
    const upload = this.#uploads.then(() => this.#upload(shard, blob));
    this.#uploads = upload.catch(() => undefined);
    await upload;
  }

  async #obtain(shard: Shard): Promise<{ blob: Blob; trusted: boolean }> {
    const { files, verifyCached, meter } = this.#plan;
    if (files.local) {
      const blob = await files.blob(shard.file);
      if (blob.size !== shard.bytes) throw wrongLength(shard, blob.size);
      meter.found(blob.size);
      return { blob, trusted: false };
    }
    const found = await this.store.find(shard.sha256, shard.bytes);
    if (!found) return { blob: await this.#fetchOnce(shard), trusted: true };
    meter.found(shard.bytes);
    return { blob: found, trusted: !verifyCached };
  }

  /** One tab fetches; the others wait and find the shard in the store. */
  #fetchOnce(shard: Shard): Promise<Blob> {
    if (this.store.kind === "none") return this.#fetch(shard, this.store);
    return exclusively(`audio-flamingo-2-${shard.sha256}`, this.#stop.signal, async () => {
      const found = await this.store.find(shard.sha256, shard.bytes);
      if (found) this.#plan.meter.found(shard.bytes);
      return found ?? this.#fetchOrSpill(shard);
    });
  }

  /** A full or forbidden disk ends caching, not loading. */
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
    const part = await store.begin(shard.sha256);
    const hash = newHash();
    const url = new URL(shard.file, files.url).href;
    try {
      return await downloadShard(url, shard, part, hash, meter, this.#stop.signal);
    } catch (error) {
      if (isStorageRefusal(error)) meter.lost(part.bytes);
      throw error;
    } finally {
      await part.close().catch(() => undefined); // what cannot be kept is fetched again
      hash.free();
    }
  }

  async #upload(shard: Shard, { blob, trusted }: { blob: Blob; trusted: boolean }): Promise<void> {
    const { loader, newHash, meter } = this.#plan;
    const hash = trusted ? undefined : newHash();
    for await (const piece of pieces(blob)) {
      throwIfAborted(this.#stop.signal);
      hash?.update(piece);
      await loader.push(shard.number, piece);
      meter.uploaded(piece.byteLength);
    }
    if (hash) await this.#compare(shard, hash.digestHex());
    hash?.free();
    await loader.finishShard(shard.number);
  }

  async #compare(shard: Shard, found: string): Promise<void> {
    if (found === shard.sha256) return;
    if (!this.#plan.files.local) await this.store.remove(shard.sha256);
    const remedy = this.#plan.files.local ? "copy the file again" : "it was deleted: load the model again";
    throw new WeightsCorrupt(`${shard.file} does not have the hash its index promises; ${remedy}`, {
      shard: shard.file,
      expected: shard.sha256,
      actual: found,
    });
  }
}

function wrongLength(shard: Shard, bytes: number): WeightsCorrupt {
  const message = `${shard.file} has ${bytes} bytes, its index says ${shard.bytes}: copy the file again`;
  return new WeightsCorrupt(message, { shard: shard.file });
}

/** Runs `work` while no other tab runs work of the same name. */
async function exclusively<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (!navigator.locks) return work();
  try {
    return (await navigator.locks.request(name, { signal }, work)) as T;
  } catch (error) {
    throw error instanceof DOMException && error.name === "AbortError" ? new Aborted() : error;
  }
}
