/** The models this origin has loaded: their small files, so that they start offline, and what they are made of. */

import { type Manifest, parseManifest } from "./manifest.js";

const NAME = "audio-flamingo-2-models";

/** One model that was loaded before. */
export interface Entry {
  id: string;
  url: string;
  savedAt: number;
  config: string;
  tokenizer: string;
  index: string;
}

/** The identifier of a model's address. */
export async function identify(url: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(url));
  return [...new Uint8Array(digest)].slice(0, 8).map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function remember(url: string, manifest: Manifest): Promise<void> {
  const { config, tokenizer, index } = manifest;
  const entry: Entry = { id: await identify(url), url, savedAt: Date.now(), config, tokenizer, index };
  const cache = await open();
  await cache?.put(key(entry.id), new Response(JSON.stringify(entry)));
}

export async function recall(id: string): Promise<Entry | undefined> {
  const response = await (await open())?.match(key(id));
  return response && ((await response.json()) as Entry);
}

export async function forget(id: string): Promise<void> {
  await (await open())?.delete(key(id));
}

export async function entries(): Promise<Entry[]> {
  const cache = await open();
  const found = await Promise.all(((await cache?.keys()) ?? []).map(async (request) => (await cache?.match(request))?.json()));
  return (found as Entry[]).filter(Boolean).sort((a, b) => b.savedAt - a.savedAt);
}

export function manifestOf(entry: Entry): Manifest {
  return parseManifest(entry.config, entry.tokenizer, entry.index);
}

/** Undefined where storage is forbidden. */
async function open(): Promise<Cache | undefined> {
  try {
    return await caches.open(NAME);
  } catch {
    return undefined;
  }
}

/** Keys must look like addresses; this one is reserved and never fetched. */
function key(id: string): string {
  return `https://models.invalid/${id}`;
}
