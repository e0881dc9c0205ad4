/** The wasm modules' surface, written by hand; the build checks it against the generated declarations of both. */

import type { BenchReport, EngineKind } from "./types.js";

/** A running SHA-256. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** 64 lower-case digits; the hash starts anew. */
  digestHex(): string;
  free(): void;
}

/** Decoded sound in windows, still in wasm memory. */
export interface AudioWindows {
  readonly count: number;
  readonly seconds: number;
  readonly windowSeconds: number;
  readonly sourceRate: number;
  readonly truncated: boolean;
  /** Minimum and maximum of `columns` equal stretches. */
  waveform(columns: number): Float32Array;
  readonly pictureWidth: number;
  readonly pictureHeight: number;
  /** Row-major, lowest mel band first. */
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
}

export interface EngineClip {
  /** Resolves to an `EngineAnswer`, which the generated declarations only know as an object. */
  ask(
    question: string,
    options: object,
    onPiece: (text: string, restart: boolean) => void,
    signal: AbortSignal,
  ): Promise<object>;
  free(): void;
}

/** Milliseconds; the rest is of a GPU. */
export interface EngineBench {
  readonly encodeMs: number;
  readonly memoryMs: number;
  readonly firstTokenMs: number;
  readonly tokenMs: number;
  readonly gpu?: NonNullable<BenchReport["gpu"]> & { dispatches: number; weightBytes: number };
}

export interface FoundKernels {
  /** For `Engine.create`. */
  readonly kept: string;
  /** For people. */
  readonly description: string;
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
  /** Resolves to `FoundKernels`. */
  tune(): Promise<object>;
  free(): void;
}

/** Shards are named as in the index; it hashes what is pushed. */
export interface EngineLoader {
  push(shard: string, bytes: Uint8Array): void;
  /** Throws WEIGHTS_CORRUPT when length or hash are not the index's. */
  finishShard(shard: string): void;
  restartShard(shard: string): void;
  /** Waits until what was pushed for a GPU has left the browser's staging memory. */
  settle(): Promise<void>;
  /** Consumes the loader. */
  finish(): Promise<EngineModel>;
  free(): void;
}

export interface EngineDevice {
  gpuBytes(): number;
  beginModel(config: string, tokenizer: string, index: string): Promise<EngineLoader>;
  /** Consumes the engine and gives the device back. */
  destroy(): void;
}

export interface EngineModule {
  default(options: { module_or_path: URL }): Promise<{ memory: WebAssembly.Memory }>;
  Sha256: new () => Sha256;
  /** `kernels` is what a former `tune` said to keep. */
  Engine: { create(lowPower: boolean, kernels?: string | null): Promise<EngineDevice> };
  /** Without a model's config.json the windows are those of the releases. */
  decodeAudio(bytes: Uint8Array, fileName: string, maxWindows: number, config?: string): AudioWindows;
  /** Samples of one channel after the other. */
  audioFromPcm(samples: Float32Array, channels: number, sampleRate: number, maxWindows: number, config?: string): AudioWindows;
}

/** A running engine: the module and its memory. */
export type StartedEngine = EngineModule & { memory: WebAssembly.Memory };

const started: Partial<Record<EngineKind, Promise<StartedEngine>>> = {};

/** The engine's module, fetched and instantiated once. */
export function engineModule(kind: EngineKind): Promise<StartedEngine> {
  const starting = (started[kind] ??= kind === "webgpu" ? webgpu() : processor());
  starting.catch(() => delete started[kind]);
  return starting;
}

// the .wasm files lie beside the bundle

async function webgpu(): Promise<StartedEngine> {
  return start(await import("../wasm/af2.js"), new URL("./af2_bg.wasm", import.meta.url));
}

async function processor(): Promise<StartedEngine> {
  return start(await import("../wasm/af2_processor.js"), new URL("./af2_processor_bg.wasm", import.meta.url));
}

async function start(module: EngineModule, module_or_path: URL): Promise<StartedEngine> {
  const { memory } = await module.default({ module_or_path });
  return { ...module, memory };
}
