/**
 * A mock of the engine for the tests of fetching and caching. Hashing uses the real wasm. The loader checks that every
 * shard arrives once, whole, in order and verified, in chunks of at most 4 MiB.
 */
import init, { Sha256 } from "./real-engine.js";

export default init;
export { Sha256 };

export class Engine {
  static async create() {
    return new Engine();
  }

  gpuBytes() {
    return 0;
  }

  async beginModel(_config, _tokenizer, index) {
    return new Loader(JSON.parse(index).shards);
  }

  destroy() {}
}

export class Model {
  static async open(load) {
    await load();
    return { maxWindows: 12, windowSeconds: 10, release() {}, free() {} };
  }
}

class Loader {
  #hashes = new Map();
  #finished = new Set();

  constructor(shards) {
    this.shards = shards;
  }

  push(shard, bytes) {
    if (bytes.byteLength > 4 * 2 ** 20) throw new Error("a chunk is larger than 4 MiB");
    if (!this.#hashes.has(shard)) this.#hashes.set(shard, new Sha256());
    this.#hashes.get(shard).update(bytes);
  }

  finishShard(shard) {
    if (this.#finished.has(shard)) throw new Error(`${shard} was finished twice`);
    const wrong = this.#hashes.get(shard).digestHex() !== this.shards[shard].sha256;
    if (wrong) throw Object.assign(new Error(`the engine was given wrong bytes of ${shard}`), { code: "WEIGHTS_CORRUPT" });
    this.#finished.add(shard);
  }

  restartShard(shard) {
    this.#hashes.delete(shard);
  }

  async settle() {}

  async finish() {
    if (this.#finished.size !== Object.keys(this.shards).length) throw new Error("a shard is missing");
    return { free() {} };
  }

  free() {}
}
