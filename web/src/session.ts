/** The state of a worker: one engine, one model and its clips. */

import { openStore, storageReport, cachedBytes } from "./cache.js";
import { remember } from "./catalogue.js";
import { engineModule } from "./engine.js";
import type { EngineAnswer, EngineClip, EngineDevice, EngineModel, LoadedModel, StartedEngine } from "./engine.js";
import { adapterReport, anyEngine, engineName } from "./check.js";
import { chooseEngine } from "./choose-engine.js";
import { BadRequest, Disposed } from "./errors.js";
import { Offers } from "./import/offers.js";
import { prepare } from "./import/prepare.js";
import { type ModelIndex, unverified } from "./model-index.js";
import { openModel } from "./open-model.js";
import { ProgressMeter } from "./progress.js";
import type { AskArguments, Calls, ListenArguments, LoadArguments } from "./protocol.js";
import { streamShards } from "./shards.js";
import type { ModelFiles } from "./source.js";
import type { ShardStore } from "./store.js";
import { cachedTuning } from "./tuning.js";
import type { AnswerResult, EngineKind, MemoryReport, ModelInfo, TextDelta, Progress, SoundInfo } from "./types.js";
import { decode, release, soundInfo } from "./windows.js";

/** Windows of a preview, unless the caller says otherwise. */
const PREVIEW_WINDOWS = 12;

export class Session {
  #engine: StartedEngine | undefined;
  #device: EngineDevice | undefined;
  #model: EngineModel | undefined;
  #config: string | undefined;
  /** The text of `model.safetensors.index.json`. */
  #index = "";
  #clips = new Map<number, Listened>();
  #nextClip = 1;
  /** The last call in the queue: the engine serves one call at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Calls in the queue. */
  #queued = 0;
  /** Aborts the call that the engine serves. */
  #signal = new AbortController().signal;
  #idleTimeout: number | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #offers = new Offers();

  /** `recovering` gets the reason when the GPU was lost and the model is loaded again. */
  constructor(private readonly recovering: (reason: string) => void) {}

  async load(wanted: LoadArguments, emit: (event: Calls["load"]["event"]) => void, signal: AbortSignal): Promise<ModelInfo> {
    if (this.#engine) throw new BadRequest("this engine already holds a model");
    const { args, files, report } = await prepare(wanted, { emit, offers: this.#offers, signal });
    const [adapter, index] = await Promise.all([args.engine === "cpu" ? undefined : adapterReport(), openModel(files, signal)]);
    const kind = chooseEngine(args.engine, adapter, index);
    const engine = await engineModule(kind);
    this.#engine = engine;
    if (kind === "webgpu") this.#idleTimeout = args.idleTimeout;
    this.#signal = signal;
    try {
      const name = engineName(kind === "webgpu" ? adapter : undefined);
      const filled = await this.#fill({ kind, engine, files, index, args, adapter: name }, report);
      this.#rest();
      return { ...filled, engine: kind, adapter: name };
    } catch (error) {
      await this.dispose();
      throw error;
    }
  }

  /** Accepts the licences of the import in progress, or says why not. */
  answerOffer(refusal: string | undefined): void {
    this.#offers.answer(refusal);
  }

  async #fill(plan: LoadPlan, emit: (progress: Progress) => void): Promise<Omit<ModelInfo, "engine" | "adapter">> {
    const { kind, engine, files, index, args, adapter } = plan;
    const notices: string[] = [];
    const meter = new ProgressMeter(index.totalBytes, (progress) => {
      if (progress.notice !== undefined) notices.push(progress.notice);
      emit(progress);
    });
    const notice = unverified(index);
    if (notice !== undefined) meter.notice(notice);
    let store = await chooseStore(args, files, index, meter);
    this.#config = index.texts.config;
    this.#index = index.texts.index;
    let progress: ProgressMeter | undefined = meter;
    this.#model = await engine.Model.open(async (reason) => {
      if (reason !== undefined) this.recovering(reason);
      // Only the first load is reported: another counts every byte again.
      const counted = progress ?? new ProgressMeter(index.totalBytes, () => undefined);
      progress = undefined;
      const opened = await this.#open(plan, store, counted);
      store = opened.store;
      return opened.model;
    });
    const verified = kind === "webgpu" && index.selfTest !== undefined; // on the CPU there is no driver to doubt
    if (verified) await (await import("./self-test.js")).selfTest(engine, this.#model, index.texts.config, index.selfTest, adapter, this.#signal);
    if (store.kind !== "none") await remember(files.url, index.texts).catch(() => undefined);
    meter.ready();
    return { ...describe(index, this.#model, store, notices), verified };
  }

  /** Opens a device and loads the model on it. */
  async #open(plan: LoadPlan, store: ShardStore, meter: ProgressMeter): Promise<{ model: LoadedModel; store: ShardStore }> {
    const { kind, engine, files, index, args } = plan;
    this.#closeDevice();
    const tuning = kind === "webgpu" ? await cachedTuning() : undefined;
    this.#device = await engine.Engine.create(args.powerPreference === "low-power", tuning);
    const { config, tokenizer, index: json } = index.texts;
    const loader = await this.#device.beginModel(config, tokenizer, json);
    const newHash = () => new engine.Sha256();
    const shards = { index, files, store, loader, newHash, meter, parallel: args.parallel, signal: this.#signal };
    const used = await streamShards(shards).catch((error: unknown) => {
      loader.free();
      throw error;
    });
    if (kind === "webgpu") meter.compiling();
    return { model: await loader.finish(), store: used };
  }

  async preview({ audio, maxWindows, channel }: ListenArguments): Promise<SoundInfo> {
    const windows = await decode(this.#engine ?? (await anyEngine()), audio, { maxWindows: maxWindows ?? PREVIEW_WINDOWS, channel });
    try {
      return soundInfo(windows, audio);
    } finally {
      release(windows);
    }
  }

  async listen(
    { audio, maxWindows, channel }: ListenArguments,
    emit: (event: Calls["listen"]["event"]) => void,
    signal: AbortSignal,
  ): Promise<Calls["listen"]["result"]> {
    const { engine, model, config } = this.need();
    const windows = await decode(engine, audio, { maxWindows: maxWindows ?? model.maxWindows, channel, config });
    const sound = soundInfo(windows, audio);
    const start = performance.now();
    const onWindow = (done: number, count: number) => emit({ done, windows: count });
    const clip = await this.inTurn(signal, () => model.listen(windows, onWindow, signal)).finally(() => release(windows));
    const number = this.#nextClip++;
    this.#clips.set(number, { clip, notices: sound.notices });
    return { clip: number, info: { ...sound, encodeMs: performance.now() - start } };
  }

  async ask({ clip, question, options }: AskArguments, emit: (delta: TextDelta) => void, signal: AbortSignal): Promise<AnswerResult> {
    const onDelta = (text: string, restart: boolean) => emit({ text, restart });
    const { notices } = this.listened(clip);
    const answer = await this.withClip(clip, signal, (engineClip) => engineClip.ask(question, options, onDelta, signal));
    return finished(answer as EngineAnswer, notices);
  }

  /** Works with a clip once the engine is free. */
  withClip<T>(number: number, signal: AbortSignal, work: (clip: EngineClip) => Promise<T>): Promise<T> {
    const { clip } = this.listened(number);
    return this.inTurn(signal, () => work(clip));
  }

  listened(number: number): Listened {
    const listened = this.#clips.get(number);
    if (!listened) throw new Disposed("clip");
    return listened;
  }

  async memory(): Promise<MemoryReport> {
    return { gpuBytes: this.#gpuBytes(), wasmBytes: this.need().engine.memory.buffer.byteLength };
  }

  async disposeClip(number: number): Promise<number> {
    const listened = this.#clips.get(number);
    this.#clips.delete(number);
    await this.#turn;
    listened?.clip.free();
    return this.#gpuBytes();
  }

  /** Frees everything. Resolves to the GPU bytes that were not freed: 0. */
  async dispose(): Promise<number> {
    await this.#turn;
    clearTimeout(this.#idleTimer);
    this.#idleTimeout = undefined;
    for (const { clip } of this.#clips.values()) clip.free();
    this.#clips.clear();
    this.#model?.free();
    this.#model = undefined;
    const left = this.#gpuBytes();
    this.#closeDevice();
    this.#engine = undefined;
    return left;
  }

  #closeDevice(): void {
    this.#device?.destroy();
    this.#device = undefined;
  }

  /** Releases the GPU if no call comes for a while. */
  #rest(): void {
    if (this.#idleTimeout === undefined) return;
    this.#idleTimer = setTimeout(() => {
      this.#model?.release();
      this.#closeDevice();
    }, this.#idleTimeout);
  }

  #gpuBytes(): number {
    return this.#device?.gpuBytes() ?? 0;
  }

  /** The loaded model with its config.json. */
  need(): { engine: StartedEngine; model: EngineModel; config: string | undefined } {
    if (!this.#engine || !this.#model) throw new Disposed("model");
    return { engine: this.#engine, model: this.#model, config: this.#config };
  }

  /** What an index names its model by: the SHA-256 of `model.safetensors.index.json`. */
  identity(): Uint8Array {
    const hash = new (this.need().engine.Sha256)();
    hash.update(new TextEncoder().encode(this.#index));
    const digits = hash.digestHex();
    hash.free();
    return Uint8Array.from({ length: digits.length / 2 }, (_, at) => parseInt(digits.slice(2 * at, 2 * at + 2), 16));
  }

  /** Works once the engine is free. */
  inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    this.#queued += 1;
    clearTimeout(this.#idleTimer);
    const result = this.#turn.then(() => {
      signal.throwIfAborted();
      this.#signal = signal;
      return work();
    });
    const end = () => {
      this.#queued -= 1;
      if (this.#queued === 0) this.#rest();
    };
    this.#turn = result.then(end, end);
    return result;
  }
}

/** A clip, and what makes answers about it doubtful. */
interface Listened {
  clip: EngineClip;
  notices: string[];
}

/** The parts of a load. */
interface LoadPlan {
  kind: EngineKind;
  engine: StartedEngine;
  files: ModelFiles;
  index: ModelIndex;
  args: LoadArguments;
  /** Its name. */
  adapter: string;
}

/** The store to use: none if the browser grants too little storage for the model. */
async function chooseStore(args: LoadArguments, files: ModelFiles, index: ModelIndex, meter: ProgressMeter): Promise<ShardStore> {
  if (files.local || args.cache === "none") return openStore("none");
  const store = await openStore(args.cache);
  if (store.kind !== args.cache) meter.notice(store.kind === "none" ? "this browser stores nothing here: the model is fetched at every visit" : "this browser has no file system here: the model is stored in its Cache API");
  const { quotaBytes, usedBytes } = await storageReport();
  const missing = index.totalBytes - (await cachedBytes(index));
  if (quotaBytes === 0 || missing <= quotaBytes - usedBytes) return store;
  meter.notice("continuing without cache: the browser grants too little storage for this model");
  return openStore("none");
}

function describe(index: ModelIndex, model: EngineModel, store: ShardStore, notices: string[]): Omit<ModelInfo, "engine" | "adapter" | "verified"> {
  const { name, parameters, totalBytes } = index;
  const { maxWindows, windowSeconds } = model;
  return { name, parameters, totalBytes, maxWindows, windowSeconds, cache: store.kind, notices };
}

/** A notice of an answer. */
const QUESTION_CUT = "the question was too long and its end was cut: ask a shorter one";

/** The engine's answer as plain data. */
export function finished(answer: EngineAnswer, notices: string[]): AnswerResult {
  const { firstTokenMs, totalMs, ...rest } = answer;
  const tokens = [...answer.tokens];
  const tokensPerSecond = totalMs > firstTokenMs ? (1000 * (tokens.length - 1)) / (totalMs - firstTokenMs) : 0;
  const timings = { firstTokenMs, totalMs, tokensPerSecond };
  return { ...rest, tokens, timings, notices: answer.questionCut ? [...notices, QUESTION_CUT] : notices };
}
