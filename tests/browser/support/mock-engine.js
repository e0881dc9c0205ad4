/**
 * Stands in for the GPU half of the engine in the tests of fetching and caching. Hashing is the real wasm; the loader
 * checks that every shard arrives once, whole, in order and verified, in pieces of at most 4 MiB.
 */
import init, { Sha256 } from "./real-engine.js";

export default init;
export { Sha256 };

export class Engine {
  adapter = "mock";

  static async create() {
    return new Engine();
  }

  gpuBytes() {
    return 0;
  }

  beginModel(_config, _tokenizer, index) {
    return new Loader(Object.entries(JSON.parse(index).shards));
  }

  dispose() {}
}

class Loader {
  #hashes = new Map();
  #finished = new Set();

  constructor(shards) {
    this.shards = shards;
  }

  push(shard, bytes) {
    if (bytes.byteLength > 4 * 2 ** 20) throw new Error("a piece is larger than 4 MiB");
    if (!this.#hashes.has(shard)) this.#hashes.set(shard, new Sha256());
    this.#hashes.get(shard).update(bytes);
  }

  finishShard(shard) {
    const [file, { sha256 }] = this.shards[shard];
    if (this.#finished.has(shard)) throw new Error(`${file} was finished twice`);
    if (this.#hashes.get(shard).digestHex() !== sha256) throw new Error(`the engine was given wrong bytes of ${file}`);
    this.#finished.add(shard);
  }

  async finish() {
    if (this.#finished.size !== this.shards.length) throw new Error("a shard is missing");
    return { maxWindows: 12, windowSeconds: 10, dispose() {} };
  }
}
