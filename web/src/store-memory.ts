/** Stores nothing between visits: shards are blobs, which the browser may move to disk, until they are on the GPU. */

import { type Part, type ShardStore, chunks } from "./store.js";

class MemoryPart implements Part {
  validator: string | undefined;
  bytes = 0;
  #chunks: BlobPart[] = [];

  read(): AsyncIterable<Uint8Array> {
    return chunks(new Blob(this.#chunks));
  }

  append(chunk: Uint8Array): void {
    this.#chunks.push(new Blob([chunk as BlobPart]));
    this.bytes += chunk.byteLength;
  }

  async restart(validator: string | undefined): Promise<void> {
    this.#chunks = [];
    this.bytes = 0;
    this.validator = validator;
  }

  async commit(): Promise<Blob> {
    return new Blob(this.#chunks);
  }

  async close(): Promise<void> {
    this.#chunks = [];
  }
}

export const memoryStore: ShardStore = {
  kind: "none",
  find: async () => undefined,
  verified: async () => undefined,
  held: async () => 0,
  begin: async () => new MemoryPart(),
  remove: async () => undefined,
};
