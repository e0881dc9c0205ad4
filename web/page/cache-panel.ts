/** Lists, verifies and deletes the models cached in this browser. */

import { AudioFlamingo, type CachedModel } from "audio-flamingo-2-webgpu";
import { byId, button, make } from "./dom.js";
import { bytes, message } from "./format.js";
import type { Machine } from "./machine.js";
import { modelTitle } from "./model-title.js";

export async function startCachePanel(machine: Machine): Promise<void> {
  byId("persist").addEventListener("click", async () => {
    const granted = await AudioFlamingo.cache.persist().catch(() => false);
    byId("persist").textContent = granted ? "It will not be evicted" : "The browser declined";
  });
  machine.watch(({ model }) => model.loading === undefined, () => void refresh());
}

/** A browser may refuse its storage. The models still load, at every visit anew. */
async function refresh(): Promise<void> {
  try {
    const [models, { usedBytes, quotaBytes }] = await Promise.all([AudioFlamingo.cache.list(), AudioFlamingo.cache.usage()]);
    if (quotaBytes === 0) return refused();
    byId("cache-summary").textContent = models.length > 0 ? `${bytes(usedBytes)} used` : "empty";
    byId("cache-list").replaceChildren(...models.map(row));
    byId("persist").hidden = false;
  } catch {
    refused();
  }
}

function refused(): void {
  byId("cache-summary").textContent = "refused by this browser";
  byId("cache-list").replaceChildren();
  byId("persist").hidden = true;
}

function row(model: CachedModel): HTMLLIElement {
  const state = model.complete ? bytes(model.totalBytes) : `${bytes(model.cachedBytes)} of ${bytes(model.totalBytes)}`;
  const status = make("span", "muted", state);
  const check = button("Verify", "button quiet", () => void verify(model, status));
  const drop = button("Delete", "button quiet", () => void AudioFlamingo.cache.delete(model.id).then(refresh));
  return make("li", "", make("strong", "", modelTitle(model.name)), status, make("div", "row", check, drop));
}

async function verify(model: CachedModel, status: HTMLElement): Promise<void> {
  status.textContent = "Hashing all shards…";
  const report = await AudioFlamingo.cache.verify(model.id).catch((error: unknown) => message(error));
  if (typeof report === "string") status.textContent = report;
  else status.textContent = report.ok ? "All shards are intact." : `${report.bad.length + report.missing.length} shards will be fetched again.`;
}
