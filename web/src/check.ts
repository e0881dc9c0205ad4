/** What this browser and this model would make of each other, before a byte of weights is fetched. */

import { cachedBytes, storageReport } from "./cache.js";
import { openModel } from "./open-model.js";
import { openSource } from "./source.js";
import type { AdapterReport, CheckReport, ModelReport, StorageReport } from "./types.js";

export async function check(url: string | undefined, signal: AbortSignal): Promise<CheckReport> {
  const [adapter, storage, model] = await Promise.all([
    adapterReport(),
    storageReport(),
    url === undefined ? undefined : modelReport(url, signal),
  ]);
  return { ok: adapter !== undefined, verdict: verdict(adapter, storage, model), adapter, storage, model };
}

/** The WebGPU adapter, described; undefined where there is none. */
export async function adapterReport(): Promise<AdapterReport | undefined> {
  const gpu = (navigator as { gpu?: GPU }).gpu;
  const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (!adapter) return undefined;
  const { info, limits, features } = adapter;
  return {
    vendor: info.vendor,
    architecture: info.architecture,
    description: info.description,
    fallback: info.isFallbackAdapter ?? false,
    maxBufferBytes: limits.maxBufferSize,
    maxBindingBytes: limits.maxStorageBufferBindingSize,
    features: [...features].sort(),
  };
}

async function modelReport(url: string, signal: AbortSignal): Promise<ModelReport> {
  const files = openSource({ url });
  const manifest = await openModel(files, signal);
  const cached = await cachedBytes(manifest);
  const { name, parameters, totalBytes } = manifest;
  return { name, url: files.url, parameters, totalBytes, cachedBytes: cached, neededBytes: totalBytes - cached };
}

function verdict(adapter: AdapterReport | undefined, storage: StorageReport, model: ModelReport | undefined): string {
  if (!adapter) return "This browser offers no WebGPU adapter: use a recent Chrome, Edge, Safari or Firefox with hardware acceleration on.";
  const parts = [adapter.fallback ? "Software rendering: answers will be right but slow." : `WebGPU on ${adapterName(adapter)}.`];
  if (model) parts.push(modelVerdict(storage, model));
  return parts.join(" ");
}

function modelVerdict({ quotaBytes, usedBytes }: StorageReport, model: ModelReport): string {
  if (model.neededBytes === 0) return `${model.name} is cached: nothing to download.`;
  const fits = model.neededBytes <= quotaBytes - usedBytes;
  const space = fits ? "" : " The browser grants too little storage to keep them: they will be fetched at every visit.";
  return `${model.name} needs ${megabytes(model.neededBytes)} more.${space}`;
}

/** A name for people. */
export function adapterName({ description, vendor, architecture }: AdapterReport): string {
  return description || [vendor, architecture].filter(Boolean).join(" ") || "an unnamed GPU";
}

function megabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
