/// <reference lib="esnext.disposable" preserve="true" />
/** A loaded model. */

import { address } from "./address.js";
import { Answer } from "./answer.js";
import { toMessage } from "./audio.js";
import { Connection } from "./client.js";
import { Clip, type Engine } from "./clip.js";
import { BadRequest, Disposed } from "./errors.js";
import { lazily } from "./events.js";
import { guarded } from "./guard.js";
import { hubOptions } from "./import/hub-options.js";
import { answerOffer } from "./import/offers.js";
import { withBrowserDecoder } from "./one-off.js";
import { checkChannel, checkLoadOptions, checkMaxWindows } from "./options.js";
import type { AudioMessage, Calls, SourceMessage } from "./protocol.js";
import { either } from "./signals.js";
import type { AudioIndex, Caption, CaptionOptions, IndexOptions, LiveCaption, LiveOptions } from "./types-long.js";
import type { AskOptions, AudioSource, BenchOptions, BenchReport, ListenOptions, LoadOptions, MemoryReport, ModelInfo, ModelSource } from "./types.js";

/** The longest time that `setTimeout` takes. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** A connection whose host holds the model. */
interface Loaded {
  connection: Connection;
  info: ModelInfo;
}

type Open = (call: { signal: AbortSignal | undefined; onProgress?: LoadOptions["onProgress"] | undefined }) => Promise<Loaded>;

/** Fetches, verifies, caches and loads a model. After a failure only cached bytes of shards remain. */
export function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  return guarded(() => load(source, options), options.signal);
}

async function load(source: ModelSource, options: LoadOptions): Promise<Model> {
  checkLoadOptions(options);
  const { signal, onProgress, persist, worker = true, idleTimeout = Infinity } = options;
  const args = {
    source: sourceMessage(source),
    engine: options.engine ?? "auto",
    cache: options.cache ?? "opfs",
    powerPreference: options.powerPreference ?? "high-performance",
    parallel: options.parallel ?? 3,
    retryFor: options.retryFor ?? 120_000,
    hub: hubOptions(options),
    idleTimeout: idleTimeout > LONGEST_TIMEOUT ? undefined : idleTimeout,
  } as const;
  signal?.throwIfAborted();
  if (persist) await navigator.storage?.persist?.();
  const share = options.share && "url" in args.source;
  const open: Open = async (call) => {
    const connection = await Connection.open(worker, { ...options, share });
    const onEvent = (event: Calls["load"]["event"]) => {
      if ("offer" in event) void answerOffer(connection, event.offer, options.onLicence);
      else call.onProgress?.(event);
    };
    try {
      return { connection, info: await connection.call("load", args, { signal: call.signal, onEvent }) };
    } catch (error) {
      connection.close();
      throw error;
    }
  };
  const workerUrl = options.workerUrl === undefined ? undefined : address(options.workerUrl);
  return new Model(open, await open({ signal, onProgress }), workerUrl);
}

function sourceMessage(source: ModelSource): SourceMessage {
  if (typeof source === "string" || source instanceof URL) return { url: address(source).href };
  if (Array.isArray(source)) return { files: source, paths: source.map((file) => file.webkitRelativePath || file.name) };
  if ((source as FileSystemDirectoryHandle | undefined)?.kind === "directory") return { directory: source };
  throw new BadRequest("a model is an address, a folder handle, or an array of files");
}

export class Model implements AsyncDisposable {
  readonly info: ModelInfo;
  /** Whether the engine runs in its own worker. */
  readonly inWorker: boolean;
  /** Whether other tabs use this model, too, if they load it with `share`. */
  readonly shared: boolean;
  readonly #open: Open;
  readonly #workerUrl: URL | undefined;
  /** Fires when the model is disposed of, and cancels what runs. */
  readonly #stop = new AbortController();
  readonly #engine: Engine = { connect: () => this.#connect(), stopped: this.#stop.signal };
  #connection: Connection;
  #opening: Promise<Connection> | undefined;

  /** Use `AudioFlamingo.load`. */
  constructor(open: Open, { connection, info }: Loaded, workerUrl: URL | undefined) {
    this.#workerUrl = workerUrl;
    this.#open = open;
    this.#connection = connection;
    this.info = info;
    this.inWorker = connection.inWorker;
    this.shared = connection.shared;
  }

  async #connect(): Promise<Connection> {
    this.#stop.signal.throwIfAborted();
    if (!this.#connection.crashed) return this.#connection;
    this.#opening ??= this.#reopen().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #reopen(): Promise<Connection> {
    const { connection } = await this.#open({ signal: this.#stop.signal });
    this.#connection = connection;
    if (this.#stop.signal.aborted) connection.close(new Disposed("model"));
    return connection;
  }

  /** Decodes and encodes audio, once for all questions about it. */
  listen(source: AudioSource, options: ListenOptions = {}): Promise<Clip> {
    const { maxWindows, channel, onProgress } = options;
    const signal = either(this.#stop.signal, options.signal);
    return guarded(async () => {
      signal.throwIfAborted();
      checkMaxWindows(maxWindows);
      checkChannel(channel);
      const onEvent = onProgress && (({ done, windows }: { done: number; windows: number }) => onProgress(done, windows));
      const connection = await this.#connect();
      let heard: AudioMessage | undefined;
      const { clip, info } = await withBrowserDecoder(await toMessage(source, signal), (audio) => {
        heard = audio;
        return connection.call("listen", { audio, maxWindows, channel }, { signal, onEvent });
      });
      const again = async (on: Connection) => (await on.call("listen", { audio: heard as AudioMessage, maxWindows, channel })).clip;
      return new Clip(this.#engine, again, { connection, number: Promise.resolve(clip) }, info);
    }, signal);
  }

  /** Answers without any audio: the language model alone, greedy. The text comes as a whole. */
  ask(question: string, { signal, ...options }: Pick<AskOptions, "maxNewTokens" | "signal"> = {}): Answer {
    return new Answer((onDelta, cancelled) => {
      const any = either(this.#stop.signal, cancelled, signal);
      return guarded(async () => (await import("./call-questions.js")).askWithoutAudio(this.#engine, question, options, any, onDelta), any);
    });
  }

  /** Captions a recording of any length while it is heard, which begins with the loop. Leaving the loop early stops it. */
  captions(source: AudioSource, options: CaptionOptions = {}): AsyncIterable<Caption> {
    return lazily(async () => (await import("./call-captions.js")).captions(this.#engine, source, options));
  }

  /**
   * Asks about the newest seconds of a microphone or another stream, again and again, until the stream ends or the loop is left. Call it
   * from a click: browsers keep audio stopped before. The stream stays the caller's.
   */
  live(stream: MediaStream, options: LiveOptions = {}): AsyncIterable<LiveCaption> {
    const setting = { windowSeconds: this.info.windowSeconds, workerUrl: this.#workerUrl };
    return lazily(async () => (await import("./call-live.js")).live(this.#engine, stream, options, setting));
  }

  /** Encodes files once, so that they can be searched again and again. Files that cannot be decoded are passed over; see `skipped`. */
  async index(sources: AudioSource[], options: IndexOptions = {}): Promise<AudioIndex> {
    const { makeIndex } = await guarded(() => import("./call-index.js"));
    return makeIndex(this.#engine, sources, options);
  }

  /** Opens what `index.toBlob()` or `af2 index` made with the same model. */
  async openIndex(blob: Blob): Promise<AudioIndex> {
    const { openIndex } = await guarded(() => import("./call-index.js"));
    return openIndex(this.#engine, blob);
  }

  /** Measures this machine with silence and a synthetic question. Clips are not changed. */
  bench({ windows = 1, tokens = 32, onProgress, ...options }: BenchOptions = {}): Promise<BenchReport> {
    const signal = either(this.#stop.signal, options.signal);
    return guarded(async () => {
      const onEvent = onProgress && (({ done, steps }: { done: number; steps: number }) => onProgress(done, steps));
      const measured = await (await this.#connect()).call("bench", { windows, tokens }, { signal, onEvent });
      const { name, engine, adapter } = this.info;
      return { model: name, engine, adapter, ...measured };
    }, signal);
  }

  /**
   * Measures for some seconds which kernels are the fastest on this GPU, and caches the result in this browser. The next `load` uses it.
   * Resolves to a description of the kernels.
   */
  tune(): Promise<string> {
    return this.#call("tune");
  }

  /** Bytes in use on the GPU and in the engine. */
  memory(): Promise<MemoryReport> {
    return this.#call("memory");
  }

  /** Cancels what runs, frees all GPU buffers and ends the worker. Resolves to the GPU bytes that were not freed: 0. */
  async dispose(): Promise<number> {
    if (this.#stop.signal.aborted) return 0;
    this.#stop.abort(new Disposed("model"));
    if (this.#connection.crashed) return 0;
    try {
      return await guarded(() => this.#connection.call("disposeModel", {}));
    } finally {
      this.#connection.close(new Disposed("model"));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #call<Name extends "tune" | "memory">(name: Name): Promise<Calls[Name]["result"]> {
    const { signal } = this.#stop;
    return guarded(async () => (await this.#connect()).call(name, {}, { signal }), signal);
  }
}
