/** Reports which engine would answer and what a load would fetch. Fetches no weights. */

import { megabytes } from "./bytes.js";
import { cachedBytes, storageReport } from "./cache.js";
import { chooseEngine } from "./choose-engine.js";
import { type StartedEngine, engineModule } from "./engine.js";
import { findModel, hubAddress } from "./import/prepare.js";
import { openModel } from "./open-model.js";
import { type ModelFiles, openSource } from "./source.js";
import type { HubOptions } from "./protocol.js";
import type { AdapterReport, CheckReport, EngineChoice, EngineKind, ModelReport, StorageReport } from "./types.js";

export async function check(url: string | undefined, wish: EngineChoice, hub: HubOptions, signal: AbortSignal): Promise<CheckReport> {
  const [adapter, storage, model] = await Promise.all([
    adapterReport(),
    storageReport(),
    url === undefined ? undefined : modelReport(url, hub, signal),
  ]);
  const info = { adapter, storage, model };
  try {
    const engine = chooseEngine(wish, adapter, model);
    return { ok: true, verdict: verdict(engine, info), engine, ...info };
  } catch (error) {
    return { ok: false, verdict: sentence((error as Error).message), engine: undefined, ...info };
  }
}

/** A driver that has not described its GPU after this many milliseconds counts as none. */
const DRIVER_MS = 25_000;

/** The WebGPU adapter, described; undefined where there is none. */
export async function adapterReport(): Promise<AdapterReport | undefined> {
  const gpu = (navigator as { gpu?: GPU }).gpu;
  const silent = new Promise<null>((resolve) => setTimeout(resolve, DRIVER_MS, null));
  const adapter = await Promise.race([gpu?.requestAdapter({ powerPreference: "high-performance" }).catch(() => null), silent]);
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

/** An engine module for calls without a model: the one a load would use, so that the other is never fetched. */
export async function anyEngine(): Promise<StartedEngine> {
  return engineModule(chooseEngine("auto", await adapterReport(), undefined));
}

async function modelReport(url: string, hub: HubOptions, signal: AbortSignal): Promise<ModelReport> {
  if (!url.startsWith("hf:")) return filesReport(openSource({ url }), signal);
  const address = hubAddress(url, hub);
  const files = await findModel(address, signal);
  if (files) return filesReport(files, signal);
  const { planHub } = await import("./import/importer.js");
  const { parameters, bytes, sourceBytes } = await planHub(address, signal);
  return { name: address.repository, url, parameters, totalBytes: bytes, cachedBytes: 0, neededBytes: sourceBytes };
}

async function filesReport(files: ModelFiles, signal: AbortSignal): Promise<ModelReport> {
  const index = await openModel(files, signal);
  const cached = await cachedBytes(index);
  const { name, parameters, totalBytes } = index;
  return { name, url: files.url, parameters, totalBytes, cachedBytes: cached, neededBytes: totalBytes - cached };
}

function verdict(engine: EngineKind, { adapter, storage, model }: Omit<CheckReport, "ok" | "verdict" | "engine">): string {
  const parts = [engineVerdict(engine, adapter)];
  if (model) parts.push(modelVerdict(storage, model));
  return parts.join(" ");
}

function engineVerdict(engine: EngineKind, adapter: AdapterReport | undefined): string {
  if (engine === "webgpu") return adapter?.fallback ? `WebGPU on a software adapter (${engineName(adapter)}): the same answers, slowly.` : `WebGPU on ${engineName(adapter)}.`;
  if (adapter?.fallback) return `The only WebGPU adapter here is software (${engineName(adapter)}), which is slower than the CPU: the CPU answers.`;
  return `${adapter ? "" : "No WebGPU adapter here. "}The CPU answers, slower and with small models only.`;
}

function modelVerdict({ quotaBytes, usedBytes }: StorageReport, model: ModelReport): string {
  if (model.neededBytes === 0) return `${model.name} is cached: nothing to download.`;
  const fits = Math.min(model.neededBytes, model.totalBytes) <= quotaBytes - usedBytes; // an import stores less than it fetches
  const space = fits ? "" : " The browser grants too little storage to keep them: they will be fetched at every visit.";
  return `${model.name} needs ${megabytes(model.neededBytes)} more.${space}`;
}

/** The adapter's name for people. Without an adapter: the CPU's. */
export function engineName(adapter: AdapterReport | undefined): string {
  if (!adapter) return "CPU (WebAssembly)";
  const { description, vendor, architecture } = adapter;
  return description || [vendor, architecture].filter(Boolean).join(" ") || "an unnamed GPU";
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
