/** The interface of both wasm modules, written by hand. The build checks it against their generated declarations. */

import type { ReadRange } from "./reader.js";
import type { AnswerResult, BenchReport, EngineKind, RelevanceMethod } from "./types.js";

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

export interface EngineAnswer extends Omit<AnswerResult, "tokens" | "timings" | "notices"> {
  readonly tokens: Uint32Array;
  readonly firstTokenMs: number;
  readonly totalMs: number;
}

export interface EngineClip {
  /** Resolves to an `EngineAnswer`, which the generated declarations only know as an object. */
  ask(
    question: string,
    options: object,
    onDelta: (text: string, restart: boolean) => void,
    signal: AbortSignal,
  ): Promise<object>;
  /** Greedy answers, decoded together. Each is an `EngineAnswer`. */
  askTogether(questions: string[], options: object, onAnswer: (answer: object) => void, signal: AbortSignal): Promise<void>;
  /** Resolves to a `Choice`. */
  choose(request: { question: string; options: string[]; letters: number }, signal: AbortSignal): Promise<object>;
  /** Resolves to a `Relevance` of an answer's `tokens`; without any, of `text`. */
  where(
    request: { question: string; tokens: Uint32Array | undefined; text: string | undefined; method: RelevanceMethod },
    signal: AbortSignal,
  ): Promise<object>;
  free(): void;
}

/** A file that is read by ranges. */
export interface EngineFile {
  read: ReadRange;
  length: number;
}

interface CaptionsRequest extends EngineFile {
  kind: "captions";
  name: string;
  channel: string | undefined;
  hop: number | undefined;
  minConfidence: number;
  question: string | undefined;
}

/** As a file, an index to go on with. */
interface IndexRequest extends Partial<EngineFile> {
  kind: "index";
  identity: Uint8Array;
  channel: string | undefined;
}

/** An index: to list what it holds, or to search in it. `identity` is the SHA-256 of the model's index. */
interface LibraryRequest extends EngineFile {
  kind: "library" | "search";
  identity: Uint8Array;
  text?: string;
  top?: number;
  minConfidence?: number;
}

export type TaskRequest = CaptionsRequest | IndexRequest | LibraryRequest;

/** What a step of a task gives. */
export interface TaskStep {
  /** Seconds of the file that were heard. */
  readonly seconds: number;
  /** Seconds of the file, if it tells. */
  readonly duration: number | undefined;
  /** Captions that are settled; at the end, what an index holds, or hits. */
  readonly json?: string;
  /** To be appended to the index. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An object in wasm memory: a parameter that takes the model itself would make its type recursive. */
interface Handle {
  free(): void;
}

/** Work on long audio that is done in steps. */
export interface EngineTask {
  /** Opens the next file of an index; `modified` in seconds since 1970. */
  begin(file: EngineFile & { name: string; modified: number }): Promise<void>;
  /** Resolves to a `TaskStep`; undefined when there was nothing left to do. */
  step(model: Handle, signal: AbortSignal): Promise<object | undefined>;
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
  /** As that of a clip, without audio. */
  askTogether(questions: string[], options: object, onAnswer: (answer: object) => void, signal: AbortSignal): Promise<void>;
  task(request: TaskRequest): Promise<EngineTask>;
  /** Resolves to a `LiveCaption` without its time. */
  glance(windows: AudioWindows, request: { question: string | undefined; minConfidence: number }, signal: AbortSignal): Promise<object>;
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
  decodeAudio(bytes: Uint8Array, fileName: string, maxWindows: number, channel?: string, config?: string): AudioWindows;
  /** `samples` is [channels, length]: one channel after the other. */
  audioFromPcm(
    samples: Float32Array,
    channels: number,
    sampleRate: number,
    maxWindows: number,
    channel?: string,
    config?: string,
  ): AudioWindows;
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
