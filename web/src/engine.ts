/** The wasm module's surface, written by hand; the build checks it against the generated declarations. */

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

export interface EngineClip {
  ask(question: string, options: object, onPiece: (text: string) => void, signal: AbortSignal): Promise<EngineAnswer>;
  dispose(): void;
  free(): void;
}

export interface EngineAnswer {
  text: string;
  tokens: number[];
  finishReason: "end" | "stop" | "length";
  prefillMs: number;
  firstTokenMs: number;
  totalMs: number;
}

export interface EngineModel {
  readonly maxWindows: number;
  readonly windowSeconds: number;
  listen(
    windows: AudioWindows,
    onWindow: (done: number, count: number) => void,
    signal: AbortSignal,
  ): Promise<EngineClip>;
  dispose(): void;
  free(): void;
}

export interface EngineLoader {
  push(shard: number, bytes: Uint8Array): void | Promise<void>;
  finishShard(shard: number): void | Promise<void>;
  finish(): Promise<EngineModel>;
  free(): void;
}

export interface EngineDevice {
  readonly adapter: string;
  gpuBytes(): number;
  beginModel(config: string, tokenizer: string, index: string): EngineLoader | Promise<EngineLoader>;
  dispose(): void;
  free(): void;
}

export interface EngineModule {
  default(options: { module_or_path: URL }): Promise<unknown>;
  Sha256: new () => Sha256;
  Engine: { create(options: { powerPreference: string }): Promise<EngineDevice> };
  /** Without a model's config.json the windows are those of the releases. */
  decodeAudio(bytes: Uint8Array, fileName: string, maxWindows: number, config?: string): AudioWindows;
  /** Samples of one channel after the other. */
  audioFromPcm(samples: Float32Array, channels: number, sampleRate: number, maxWindows: number, config?: string): AudioWindows;
}

let started: Promise<EngineModule> | undefined;

/** The module, fetched and instantiated once. */
export function engineModule(): Promise<EngineModule> {
  started ??= start();
  started.catch(() => (started = undefined));
  return started;
}

async function start(): Promise<EngineModule> {
  const module = (await import("../wasm/af2.js")) as unknown as EngineModule;
  await module.default({ module_or_path: new URL("./af2_bg.wasm", import.meta.url) }); // beside the bundle
  return module;
}
