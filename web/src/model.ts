/** A loaded model, and the clips it has listened to. */

import { Answer } from "./answer.js";
import { toMessage } from "./audio.js";
import { type CallOptions, Connection } from "./client.js";
import { BadRequest, Disposed } from "./errors.js";
import { withBrowserDecoder } from "./one-off.js";
import type { AudioMessage, SourceMessage } from "./protocol.js";
import type { AskOptions, AudioSource, BenchOptions, BenchReport, ClipInfo, ListenOptions, LoadOptions, MemoryReport, ModelInfo, ModelSource } from "./types.js";

/** Fetches, verifies, caches and loads a model. After a failure only cached bytes of shards remain. */
export async function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  const { signal, onProgress, onRecovering, persist, worker = true } = options;
  const args = {
    source: sourceMessage(source),
    engine: options.engine ?? "auto",
    cache: options.cache ?? "opfs",
    powerPreference: options.powerPreference ?? "high-performance",
    parallel: options.parallel ?? 3,
    idleTimeout: idleTimeout(options),
  } as const;
  if (persist) await navigator.storage?.persist?.();
  const open = async (call: CallOptions<"load">): Promise<Loaded> => {
    const connection = await Connection.open(worker, onRecovering);
    try {
      return { connection, info: await connection.call("load", args, call) };
    } catch (error) {
      connection.close();
      throw error;
    }
  };
  return new Model(open, await open({ signal, onEvent: onProgress }));
}

/** A connection whose host holds the model. */
interface Loaded {
  connection: Connection;
  info: ModelInfo;
}

/** The longest time that `setTimeout` takes. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

function idleTimeout({ idleTimeout: wanted }: LoadOptions): number | undefined {
  if (wanted !== undefined && !(wanted >= 0)) throw new BadRequest(`idleTimeout must be milliseconds, 0 or more, not ${wanted}`);
  return wanted === undefined || wanted > LONGEST_TIMEOUT ? undefined : wanted;
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
  readonly #open: (call: CallOptions<"load">) => Promise<Loaded>;
  #connection: Connection;
  #opening: Promise<Connection> | undefined;
  #disposed = false;

  /** Use `AudioFlamingo.load`. */
  constructor(open: (call: CallOptions<"load">) => Promise<Loaded>, { connection, info }: Loaded) {
    this.#open = open;
    this.#connection = connection;
    this.info = info;
    this.inWorker = connection.inWorker;
  }

  /** The connection to the engine. If its worker has ended, another is started and loads the model. */
  #connect = async (): Promise<Connection> => {
    if (this.#disposed) throw new Disposed("model");
    if (!this.#connection.crashed) return this.#connection;
    this.#opening ??= this.#reopen().finally(() => (this.#opening = undefined));
    return this.#opening;
  };

  async #reopen(): Promise<Connection> {
    const { connection } = await this.#open({});
    this.#connection = connection;
    if (this.#disposed) connection.close(new Disposed("model"));
    return connection;
  }

  /** Decodes and encodes audio, once for all questions about it. */
  async listen(source: AudioSource, options: ListenOptions = {}): Promise<Clip> {
    if (this.#disposed) throw new Disposed("model");
    const { maxWindows, signal, onProgress } = options;
    if (maxWindows !== undefined && !(Number.isInteger(maxWindows) && maxWindows > 0)) {
      throw new BadRequest(`maxWindows must be a positive integer, not ${maxWindows}`);
    }
    const onEvent = onProgress && (({ done, windows }: { done: number; windows: number }) => onProgress(done, windows));
    const connection = await this.#connect();
    let heard: AudioMessage | undefined;
    const { clip, info } = await withBrowserDecoder(await toMessage(source, signal), (audio) => {
      heard = audio;
      return connection.call("listen", { audio, maxWindows }, { signal, onEvent });
    });
    const again = async (on: Connection) => (await on.call("listen", { audio: heard as AudioMessage, maxWindows })).clip;
    return new Clip(this.#connect, again, { connection, number: Promise.resolve(clip) }, info);
  }

  /** Measures this machine with silence and a synthetic question. Clips are not changed. */
  async bench({ windows = 1, tokens = 32, signal, onProgress }: BenchOptions = {}): Promise<BenchReport> {
    if (this.#disposed) throw new Disposed("model");
    const onEvent = onProgress && (({ done, steps }: { done: number; steps: number }) => onProgress(done, steps));
    const measured = await (await this.#connect()).call("bench", { windows, tokens }, { signal, onEvent });
    const { name, engine, adapter } = this.info;
    return { model: name, engine, adapter, ...measured };
  }

  /**
   * Measures for some seconds which kernels are the fastest on this GPU, and caches the result in this browser. The next `load` uses it.
   * Resolves to a description of the kernels.
   */
  async tune(): Promise<string> {
    return (await this.#connect()).call("tune", {});
  }

  /** Bytes in use on the GPU and in the engine. */
  async memory(): Promise<MemoryReport> {
    return (await this.#connect()).call("memory", {});
  }

  /** Frees all GPU buffers and ends the worker. Resolves to the GPU bytes that were not freed: 0. */
  async dispose(): Promise<number> {
    if (this.#disposed) return 0;
    this.#disposed = true;
    if (this.#connection.crashed) return 0;
    try {
      return await this.#connection.call("disposeModel", {});
    } finally {
      this.#connection.close(new Disposed("model"));
    }
  }
}

/** A clip's number on the connection that it was listened to on. */
interface Heard {
  connection: Connection;
  number: Promise<number>;
}

export class Clip {
  readonly info: ClipInfo;
  readonly #connect: () => Promise<Connection>;
  readonly #listen: (connection: Connection) => Promise<number>;
  #heard: Heard;
  #disposed = false;

  /** Use `model.listen`. */
  constructor(connect: () => Promise<Connection>, listen: (connection: Connection) => Promise<number>, heard: Heard, info: ClipInfo) {
    this.#connect = connect;
    this.#listen = listen;
    this.#heard = heard;
    this.info = info;
  }

  /** Starts answering. Iterate over the text deltas, or await `.result`. */
  ask(question: string, { signal, ...options }: AskOptions = {}): Answer {
    return new Answer(async (onEvent) => {
      if (this.#disposed) throw new Disposed("clip");
      const { connection, number } = await this.#present();
      return connection.call("ask", { clip: await number, question, options }, { signal, onEvent });
    });
  }

  /** Frees the clip's keys and values. Resolves to the GPU bytes that the model still uses. */
  async dispose(): Promise<number> {
    if (this.#disposed) return 0;
    this.#disposed = true;
    const { connection, number } = this.#heard;
    return connection.crashed ? 0 : connection.call("disposeClip", { clip: await number });
  }

  /** The clip on the present connection: a new worker listens again. */
  async #present(): Promise<Heard> {
    const connection = await this.#connect();
    if (connection !== this.#heard.connection) {
      const former = this.#heard;
      const number = this.#listen(connection);
      this.#heard = { connection, number };
      number.catch(() => (this.#heard = former)); // the next question tries again
    }
    return this.#heard;
  }
}
