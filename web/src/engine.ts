/** The interface of both wasm modules, written by hand. The build checks it against their generated declarations. */

import type { BenchReport, EngineKind } from "./types.js";

/** A running SHA-256. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** The hash as 64 lower-case hexadecimal digits. Resets the hash. */
  digestHex(): string;
  free(): void;
}

/** Decoded audio in windows, in wasm memory. */
export interface AudioWindows {
  readonly count: number;
  readonly seconds: number;
  readonly windowSeconds: number;
  readonly sourceRate: number;
  readonly truncated: boolean;
  /** What was skipped, missing or cut, one sentence each. */
  readonly notices: string[];
  /** [columns, 2]: minimum and maximum of `columns` equal stretches. */
  waveform(columns: number): Float32Array;
  readonly pictureWidth: number;
  readonly pictureHeight: number;
  /** [pictureHeight, pictureWidth]: row-major, lowest mel band first. */
  picture(): Uint8Array;
  free(): void;
}

export interface EngineAnswer {
  readonly text: string;
  readonly tokens: Uint32Array;
  readonly finishReason: string;
  readonly firstTokenMs: number;
  readonly totalMs: number;
  readonly questionCut: boolean;
  readonly promptTokens: number;
}

export interface EngineClip {
  /** Resolves to an `EngineAnswer`, which the generated declarations only know as an object. */
  ask(
    question: string,
    options: object,
    onDelta: (text: string, restart: boolean) => void,
    signal: AbortSignal,
  ): Promise<object>;
  free(): void;
}

/** Times in milliseconds; `gpu` on WebGPU only. */
export interface EngineBench {
  readonly encodeMs: number;
  readonly audioKvMs: number;
  readonly firstTokenMs: number;
  readonly tokenMs: number;
  readonly gpu?: NonNullable<BenchReport["gpu"]> & { dispatches: number; weightBytes: number };
}

export interface TuneResult {
  /** The tuning as text, for `Engine.create`. */
  readonly tuning: string;
  /** The same for people. */
  readonly description: string;
}

/** A model on a device, for `Model.open`. */
export interface LoadedModel {
  free(): void;
}

export interface EngineModel {
  readonly maxWindows: number;
  readonly windowSeconds: number;
  listen(
    windows: AudioWindows,
    onWindow: (done: number, count: number) => void,
    signal: AbortSignal,
  ): Promise<EngineClip>;
  /** Resolves to an `EngineBench`. */
  bench(windows: number, tokens: number, onStep: (done: number, steps: number) => void, signal: AbortSignal): Promise<object>;
  /** Resolves to a `TuneResult`. */
  tune(): Promise<object>;
  /** Frees what model and clips hold on the GPU, until the next call. */
  release(): void;
  free(): void;
}

/** Takes shards by their file names in the index, and hashes what is pushed. */
export interface EngineLoader {
  push(shard: string, bytes: Uint8Array): void;
  /** Throws WEIGHTS_CORRUPT if length or hash differ from the index. */
  finishShard(shard: string): void;
  restartShard(shard: string): void;
  /** Resolves once the browser's staging memory holds nothing of what was pushed. */
  settle(): Promise<void>;
  /** Consumes the loader. */
  finish(): Promise<LoadedModel>;
  free(): void;
}

export interface EngineDevice {
  gpuBytes(): number;
  beginModel(config: string, tokenizer: string, index: string): Promise<EngineLoader>;
  /** Consumes the engine and destroys the device. */
  destroy(): void;
}

export interface EngineModule {
  default(options: { module_or_path: URL }): Promise<{ memory: WebAssembly.Memory }>;
  Sha256: new () => Sha256;
  /** `tuning` is the result of an earlier `tune`. */
  Engine: { create(lowPower: boolean, tuning?: string | null): Promise<EngineDevice> };
  /** `load` is called at once and after every loss of the device: with the reason, undefined at first and after a release. */
  Model: { open(load: (reason?: string) => Promise<LoadedModel>): Promise<EngineModel> };
  /** `config` is the model's config.json. Default: windows as in the releases, 10 s each. */
  decodeAudio(bytes: Uint8Array, fileName: string, maxWindows: number, config?: string): AudioWindows;
  /** `samples` is [channels, length]: one channel after the other. */
  audioFromPcm(samples: Float32Array, channels: number, sampleRate: number, maxWindows: number, config?: string): AudioWindows;
}

/** An instantiated module and its memory. */
export type StartedEngine = EngineModule & { memory: WebAssembly.Memory };

const started: Partial<Record<EngineKind, Promise<StartedEngine>>> = {};

/** Fetches and instantiates the engine's module, once. */
export function engineModule(kind: EngineKind): Promise<StartedEngine> {
  const starting = (started[kind] ??= kind === "webgpu" ? webgpu() : cpu());
  starting.catch(() => delete started[kind]);
  return starting;
}

let folder: string | undefined;

/** Fetches the .wasm files from this folder. Default: beside the bundle. */
export function wasmFolder(url: string): void {
  folder = url.endsWith("/") ? url : `${url}/`;
}

/** The address of a .wasm file in the folder that was set. */
export function inWasmFolder(file: string): URL | undefined {
  return folder === undefined ? undefined : new URL(file, folder);
}

async function webgpu(): Promise<StartedEngine> {
  const wasm = inWasmFolder("af2_bg.wasm") ?? new URL("./af2_bg.wasm", import.meta.url);
  return start(await import("../wasm/af2.js"), wasm);
}

async function cpu(): Promise<StartedEngine> {
  const wasm = inWasmFolder("af2_cpu_bg.wasm") ?? new URL("./af2_cpu_bg.wasm", import.meta.url);
  return start(await import("../wasm/af2_cpu.js"), wasm);
}

async function start(module: EngineModule, module_or_path: URL): Promise<StartedEngine> {
  const { memory } = await module.default({ module_or_path });
  return { ...module, memory };
}
