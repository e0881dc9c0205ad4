/** The models this origin has loaded. Their JSON files are cached, so that a model starts offline and its shards are known. */

import { type ModelIndex, type ModelTexts, parseModelIndex } from "./model-index.js";

const NAME = "audio-flamingo-2-models";

/** One model that was loaded before. */
export interface Entry extends ModelTexts {
  id: string;
  url: string;
  /** Milliseconds since 1970. */
  savedAt: number;
}

/** A model's id: the first 8 bytes of its address's SHA-256, in hexadecimal. */
export async function identify(url: string): Promise<string> {
  if (!globalThis.crypto?.subtle) return "plain-http"; // where digests are missing, so are all stores
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(url));
  return [...new Uint8Array(digest)].slice(0, 8).map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function remember(url: string, texts: ModelTexts): Promise<void> {
  const entry: Entry = { id: await identify(url), url, savedAt: Date.now(), ...texts };
  const cache = await open();
  await cache?.put(key(entry.id), new Response(JSON.stringify(entry)));
}

/** The entry, or undefined if there is none or it is damaged. */
export async function recall(id: string): Promise<Entry | undefined> {
  try {
    const entry = (await (await (await open())?.match(key(id)))?.json()) as Entry;
    indexOf(entry);
    return typeof entry.url === "string" && typeof entry.savedAt === "number" ? { ...entry, id } : undefined;
  } catch {
    return undefined;
  }
}

export async function forget(id: string): Promise<void> {
  await (await open())?.delete(key(id));
}

/** Ids of all entries, damaged ones included. */
export async function ids(): Promise<string[]> {
  const requests = (await (await open())?.keys()) ?? [];
  return requests.map(({ url }) => url.slice(url.lastIndexOf("/") + 1));
}

/** The entries that can be read, newest first. */
export async function entries(): Promise<Entry[]> {
  const found = await Promise.all((await ids()).map(recall));
  return found.filter((entry) => entry !== undefined).sort((a, b) => b.savedAt - a.savedAt);
}

export function indexOf({ config, tokenizer, index }: Entry): ModelIndex {
  return parseModelIndex({ config, tokenizer, index });
}

/** Undefined if the browser forbids storage. */
async function open(): Promise<Cache | undefined> {
  try {
    return await caches.open(NAME);
  } catch {
    return undefined;
  }
}

/** Cache keys are URLs. `.invalid` is reserved: nothing is ever fetched from it. */
function key(id: string): string {
  return `https://models.invalid/${id}`;
}
