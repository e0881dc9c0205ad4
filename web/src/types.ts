/** The public vocabulary: what goes in, what comes out. Sizes in bytes, times as their names say. */

/** Where verified shards are kept between visits. */
export type CacheKind = "opfs" | "cache-api" | "none";

/** A model: a folder's address, a folder handle, or its files. */
export type ModelSource = string | URL | FileSystemDirectoryHandle | File[];

/** What computes: shaders on the GPU, or WebAssembly on the processor. */
export type EngineKind = "webgpu" | "processor";

/** `"auto"`: WebGPU where an adapter answers, else the processor if the model is small enough. */
export type EngineChoice = "auto" | EngineKind;

export interface LoadOptions {
  /** Default `"auto"`. */
  engine?: EngineChoice;
  /** Default `"opfs"`; what the browser lacks falls back to the next in the list, and `model.notices` says so. */
  cache?: CacheKind;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** Default `true`: the engine runs in its own worker. `false`: on the main thread. */
  worker?: boolean;
  /** Ask the browser not to evict the cache. */
  persist?: boolean;
  /** Of the GPU; default `"high-performance"`. */
  powerPreference?: "low-power" | "high-performance";
  /** Shards fetched at once; default 3. */
  parallel?: number;
}

export type Phase = "download" | "verify" | "upload" | "compile" | "ready";

/** One monotone total over all phases. */
export interface Progress {
  phase: Phase;
  /** 0 to 1, never decreasing. */
  fraction: number;
  /** Bytes at hand (from network or cache), never decreasing. */
  loadedBytes: number;
  totalBytes: number;
  /** Of the bytes at hand, those that an earlier visit left. */
  cachedBytes: number;
  /** Bytes that really came over the network, repeats included. */
  networkBytes: number;
  /** Recent network rate; 0 when nothing is being fetched. */
  bytesPerSecond: number;
  /** Undefined until the rate is known. */
  secondsLeft: number | undefined;
  /** Something the user should know, for example that the disk is full. */
  notice?: string;
}

/** The GPU as the browser describes it. */
export interface AdapterReport {
  vendor: string;
  architecture: string;
  description: string;
  /** Software rendering: right answers, slowly. */
  fallback: boolean;
  maxBufferBytes: number;
  maxBindingBytes: number;
  features: string[];
}

export interface StorageReport {
  quotaBytes: number;
  usedBytes: number;
  persisted: boolean;
}

export interface ModelReport {
  name: string;
  url: string;
  parameters: number | undefined;
  totalBytes: number;
  cachedBytes: number;
  /** Bytes a load would fetch now. */
  neededBytes: number;
}

/** What `check` finds; no weights are downloaded. */
export interface CheckReport {
  /** Whether a load would find an engine. */
  ok: boolean;
  /** One or two sentences for people. */
  verdict: string;
  /** The engine that would answer. */
  engine: EngineKind | undefined;
  adapter: AdapterReport | undefined;
  storage: StorageReport;
  model: ModelReport | undefined;
}

export interface ModelInfo {
  name: string;
  parameters: number | undefined;
  totalBytes: number;
  /** Windows the model was made for. */
  maxWindows: number;
  windowSeconds: number;
  engine: EngineKind;
  /** The GPU's name, or `"processor (WebAssembly)"`. */
  adapter: string;
  /** Where the shards are kept after this load. */
  cache: CacheKind;
  notices: string[];
}

/** Samples in [-1, 1], one array per channel. */
export interface Pcm {
  sampleRate: number;
  channels: Float32Array[];
}

export type AudioSource = File | Blob | URL | string | ArrayBuffer | Uint8Array | AudioBuffer | Pcm;

export interface ListenOptions {
  /** Default: what the model was made for. Longer sound is cut, and `clip.info.truncated` says so. */
  maxWindows?: number;
  signal?: AbortSignal;
  /** Called with the number of windows encoded so far. */
  onProgress?: (done: number, windows: number) => void;
}

/** 64 mel bands by time, 0 (quiet) to 255 (loud); row 0 is the lowest band. */
export interface Picture {
  width: number;
  height: number;
  data: Uint8Array;
}

export interface SoundInfo {
  seconds: number;
  windows: number;
  windowSeconds: number;
  sourceRate: number;
  truncated: boolean;
  /** `"browser"` when our decoders lack the format: ids may then differ from the command line's. */
  decodedBy: "engine" | "browser" | "caller";
  /** Pairs of minimum and maximum over equal stretches. */
  waveform: Float32Array;
  picture: Picture;
}

export interface ClipInfo extends SoundInfo {
  /** Milliseconds spent on encoding. */
  encodeMs: number;
}

export interface AskOptions {
  /** Default 256. */
  maxNewTokens?: number;
  /** 0 (default): always the likeliest token. */
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  repetitionPenalty?: number;
  seed?: number;
  /** Texts that end the answer; not part of it. */
  stop?: string[];
  signal?: AbortSignal;
}

/** A piece of the answer as it appears. */
export interface Piece {
  text: string;
  /** The model started over: what came before is not part of the answer. */
  restart: boolean;
}

export interface Timings {
  firstTokenMs: number;
  totalMs: number;
  tokensPerSecond: number;
}

export interface AnswerResult {
  text: string;
  tokens: number[];
  finishReason: "end" | "stop" | "length";
  /** The question was longer than the model reads, and its end was lost: ask a shorter one. */
  questionCut: boolean;
  timings: Timings;
}

export interface BenchOptions {
  /** Of silence, in the model's memory while it answers: 1 (default) to 30. */
  windows?: number;
  /** Of the answer: 2 to 512, default 32. */
  tokens?: number;
  signal?: AbortSignal;
  /** Called with the number of steps done so far. */
  onProgress?: (done: number, steps: number) => void;
}

/** How fast this machine is with this model. */
export interface BenchReport {
  model: string;
  engine: EngineKind;
  adapter: string;
  /** In the model's memory while it answered. */
  windows: number;
  /** Of the answer. */
  tokens: number;
  /** Log-mel and encoder, for each window. */
  encodeMs: number;
  /** Audio transformer, keys and values, for all windows; once per sound. */
  memoryMs: number;
  /** From a question of 40 tokens to the answer's first. */
  firstTokenMs: number;
  tokensPerSecond: number;
  /** What each further token takes of a GPU; undefined on the processor. */
  perToken:
    | {
        dispatches: number;
        microsecondsPerDispatch: number;
        /** Of weights read. */
        bytes: number;
        bytesPerSecond: number;
      }
    | undefined;
  /** What the GPU can do, and what it spends its time on; undefined on the processor. */
  gpu:
    | {
        /** Read and written, in a copy from buffer to buffer. */
        copyBytesPerSecond: number;
        /** In one large matrix product. */
        productFlopsPerSecond: number;
        /** Those in use, in words; see `Model.tune`. */
        kernels: string;
        /** Of encoding a window, the longest first; undefined where the browser has no timestamps. */
        encoder: KernelTime[] | undefined;
        /** Of one token. Browsers round timestamps, so short kernels take next to nothing or too much. */
        token: KernelTime[] | undefined;
      }
    | undefined;
}

/** All dispatches of one kernel. */
export interface KernelTime {
  name: string;
  count: number;
  microseconds: number;
  /** Of weights read. */
  bytes: number;
  /** Of products. */
  flops: number;
}

/** What is in use now. */
export interface MemoryReport {
  /** GPU buffers that are alive; 0 on the processor. */
  gpuBytes: number;
  /** The engine's own memory; weights are in it on the processor only. */
  wasmBytes: number;
}

/** One model in the cache. */
export interface CachedModel {
  id: string;
  name: string;
  url: string;
  totalBytes: number;
  cachedBytes: number;
  complete: boolean;
  /** Milliseconds since 1970. */
  savedAt: number;
}

export interface VerifyReport {
  ok: boolean;
  /** Shards that were wrong; they are deleted and will be fetched again. */
  bad: string[];
  missing: string[];
}
