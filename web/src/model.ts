/** A loaded model, and the clips it has listened to. */

import { Answer } from "./answer.js";
import { toMessage } from "./audio.js";
import { Connection } from "./client.js";
import { BadRequest, Disposed } from "./errors.js";
import { withBrowserDecoder } from "./one-off.js";
import type { SourceMessage } from "./protocol.js";
import type { AskOptions, AudioSource, BenchOptions, BenchReport, ClipInfo, ListenOptions, LoadOptions, MemoryReport, ModelInfo, ModelSource } from "./types.js";

/** Fetches, verifies, caches and loads a model. After a failure only cached bytes of shards remain. */
export async function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  const { signal, onProgress, persist, worker = true } = options;
  if (persist) await navigator.storage?.persist?.();
  const connection = await Connection.open(worker);
  try {
    const args = {
      source: sourceMessage(source),
      engine: options.engine ?? "auto",
      cache: options.cache ?? "opfs",
      powerPreference: options.powerPreference ?? "high-performance",
      parallel: options.parallel ?? 3,
    } as const;
    return new Model(connection, await connection.call("load", args, { signal, onEvent: onProgress }));
  } catch (error) {
    connection.close();
    throw error;
  }
}

function sourceMessage(source: ModelSource): SourceMessage {
  if (typeof source === "string" || source instanceof URL) return { url: new URL(source, location.href).href };
  if (Array.isArray(source)) return { files: source };
  if (source?.kind === "directory") return { directory: source };
  throw new BadRequest("a model is an address, a folder handle, or an array of files");
}

export class Model {
  readonly info: ModelInfo;
  /** Whether the engine runs in its own worker. */
  readonly inWorker: boolean;
  readonly #connection: Connection;
  #disposed = false;

  /** Use `AudioFlamingo.load`. */
  constructor(connection: Connection, info: ModelInfo) {
    this.#connection = connection;
    this.info = info;
    this.inWorker = connection.inWorker;
  }

  /** Decodes and encodes audio, once for all questions about it. */
  async listen(source: AudioSource, options: ListenOptions = {}): Promise<Clip> {
    if (this.#disposed) throw new Disposed("model");
    const { maxWindows, signal, onProgress } = options;
    if (maxWindows !== undefined && !(Number.isInteger(maxWindows) && maxWindows > 0)) {
      throw new BadRequest(`maxWindows must be a positive integer, not ${maxWindows}`);
    }
    const onEvent = onProgress && (({ done, windows }: { done: number; windows: number }) => onProgress(done, windows));
    const { clip, info } = await withBrowserDecoder(await toMessage(source, signal), (audio) =>
      this.#connection.call("listen", { audio, maxWindows }, { signal, onEvent }),
    );
    return new Clip(this.#connection, clip, info);
  }

  /** Measures this machine with silence and a synthetic question. Clips are not changed. */
  async bench({ windows = 1, tokens = 32, signal, onProgress }: BenchOptions = {}): Promise<BenchReport> {
    if (this.#disposed) throw new Disposed("model");
    const onEvent = onProgress && (({ done, steps }: { done: number; steps: number }) => onProgress(done, steps));
    const measured = await this.#connection.call("bench", { windows, tokens }, { signal, onEvent });
    const { name, engine, adapter } = this.info;
    return { model: name, engine, adapter, ...measured };
  }

  /**
   * Measures for some seconds which kernels are the fastest on this GPU, and caches the result in this browser. The next `load` uses it.
   * Resolves to a description of the kernels.
   */
  async tune(): Promise<string> {
    if (this.#disposed) throw new Disposed("model");
    return this.#connection.call("tune", {});
  }

  /** Bytes in use on the GPU and in the engine. */
  memory(): Promise<MemoryReport> {
    return this.#connection.call("memory", {});
  }

  /** Frees all GPU buffers and ends the worker. Resolves to the GPU bytes that were not freed: 0. */
  async dispose(): Promise<number> {
    if (this.#disposed) return 0;
    this.#disposed = true;
    try {
      return await this.#connection.call("disposeModel", {});
    } finally {
      this.#connection.close(new Disposed("model"));
    }
  }
}

export class Clip {
  readonly info: ClipInfo;
  readonly #connection: Connection;
  readonly #number: number;
  #disposed = false;

  /** Use `model.listen`. */
  constructor(connection: Connection, number: number, info: ClipInfo) {
    this.#connection = connection;
    this.#number = number;
    this.info = info;
  }

  /** Starts answering. Iterate over the text deltas, or await `.result`. */
  ask(question: string, { signal, ...options }: AskOptions = {}): Answer {
    return new Answer((onEvent) => {
      if (this.#disposed) return Promise.reject(new Disposed("clip"));
      return this.#connection.call("ask", { clip: this.#number, question, options }, { signal, onEvent });
    });
  }

  /** Frees the clip's keys and values. Resolves to the GPU bytes that the model still uses. */
  async dispose(): Promise<number> {
    if (this.#disposed) return 0;
    this.#disposed = true;
    return this.#connection.call("disposeClip", { clip: this.#number });
  }
}
