/** The small files of a model: from the network when it answers, else from an earlier visit. */

import { type Entry, identify, manifestOf, recall } from "./catalogue.js";
import { NetworkFailed } from "./errors.js";
import { type Manifest, parseManifest } from "./manifest.js";
import type { ModelFiles } from "./source.js";

/** Milliseconds to wait for the network when an earlier visit could answer as well. */
const PATIENCE_MS = 4_000;

export async function openModel(files: ModelFiles, signal: AbortSignal): Promise<Manifest> {
  const entry = files.local ? undefined : await recall(await identify(files.url));
  if (!entry) return fetchManifest(files, signal);
  if (!navigator.onLine) return manifestOf(entry);
  try {
    return await refresh(files, entry, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof NetworkFailed && error.status !== undefined && error.status < 500) throw error;
    return manifestOf(entry);
  }
}

/** The two small files decide whether the model changed; the tokenizer is only fetched again when it did. */
async function refresh(files: ModelFiles, entry: Entry, signal: AbortSignal): Promise<Manifest> {
  const [config, index] = await Promise.all([files.text("config.json", signal), files.text(INDEX, signal)]);
  const same = config === entry.config && index === entry.index;
  return parseManifest(config, same ? entry.tokenizer : await files.text("tokenizer.json", signal), index);
}

async function fetchManifest(files: ModelFiles, signal: AbortSignal): Promise<Manifest> {
  const names = ["config.json", "tokenizer.json", INDEX];
  const [config = "", tokenizer = "", index = ""] = await Promise.all(names.map((name) => files.text(name, signal)));
  return parseManifest(config, tokenizer, index);
}

const INDEX = "model.safetensors.index.json";
