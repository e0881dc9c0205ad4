/** Reads a model's JSON files: from the network if it answers, else from the cache. */

import { type Entry, identify, indexOf, recall } from "./catalogue.js";
import { NetworkFailed } from "./errors.js";
import { type ModelIndex, isListed, parseModelIndex, verifyTexts } from "./model-index.js";
import type { ModelFiles } from "./source.js";

/** Milliseconds to wait for the network if the cache has the files too. */
const PATIENCE_MS = 4_000;

export async function openModel(files: ModelFiles, signal: AbortSignal): Promise<ModelIndex> {
  const entry = files.local ? undefined : await recall(await identify(files.url));
  if (!entry) return fetchIndex(files, signal);
  if (!navigator.onLine) return indexOf(entry);
  try {
    return await refresh(files, entry, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof NetworkFailed && error.status !== undefined && error.status < 500) throw error;
    return indexOf(entry);
  }
}

/** Config and index tell whether the model changed. Only then is the tokenizer, the largest of the three, fetched again. */
async function refresh(files: ModelFiles, entry: Entry, signal: AbortSignal): Promise<ModelIndex> {
  const [config, index] = await Promise.all([files.text("config.json", signal), files.text(INDEX, signal)]);
  const cached = parseModelIndex({ config, tokenizer: entry.tokenizer, index });
  const same = config === entry.config && index === entry.index && (await isListed(cached, "tokenizer.json", entry.tokenizer));
  const tokenizer = same ? entry.tokenizer : await files.text("tokenizer.json", signal);
  return verifyTexts(parseModelIndex({ config, tokenizer, index }));
}

async function fetchIndex(files: ModelFiles, signal: AbortSignal): Promise<ModelIndex> {
  const names = ["config.json", "tokenizer.json", INDEX];
  const [config = "", tokenizer = "", index = ""] = await Promise.all(names.map((name) => files.text(name, signal)));
  return verifyTexts(parseModelIndex({ config, tokenizer, index }));
}

const INDEX = "model.safetensors.index.json";
