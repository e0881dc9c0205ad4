/** A model that was imported: its shards are in the store of this browser and nowhere else. */

import { openStore } from "../cache.js";
import { type Entry, identify, indexOf, recall } from "../catalogue.js";
import { BadModel } from "../errors.js";
import { Patience } from "../patience.js";
import type { ModelFiles } from "../source.js";

/** The complete model that an import of this address has stored. */
export async function findImported(address: string): Promise<ModelFiles | undefined> {
  const entry = await recall(await identify(address));
  if (!entry) return undefined;
  const store = await openStore("opfs");
  const found = await Promise.all(indexOf(entry).shards.map(({ sha256, bytes }) => store.find(sha256, bytes)));
  return found.every(Boolean) ? new Imported(entry) : undefined;
}

class Imported implements ModelFiles {
  readonly local = false;
  readonly imported = true;
  readonly patience = new Patience();
  readonly url: string;
  readonly #texts: Record<string, string>;

  constructor({ url, config, tokenizer, index }: Entry) {
    this.url = url;
    this.#texts = { "config.json": config, "tokenizer.json": tokenizer, "model.safetensors.index.json": index };
  }

  async text(name: string): Promise<string> {
    return this.#texts[name] ?? "";
  }

  async blob(name: string): Promise<Blob> {
    throw new BadModel(`${name} is not a local file`);
  }
}
