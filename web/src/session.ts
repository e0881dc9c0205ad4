/** The state of a worker: one engine, one model and its clips. */

import { openStore, storageReport, cachedBytes } from "./cache.js";
import { remember } from "./catalogue.js";
import { engineModule } from "./engine.js";
import type { AudioWindows, EngineAnswer, EngineBench, EngineClip, EngineDevice, EngineModel, LoadedModel, StartedEngine, TuneResult } from "./engine.js";
import { adapterReport, anyEngine, engineName } from "./check.js";
import { chooseEngine } from "./choose-engine.js";
import { BadRequest, Disposed } from "./errors.js";
import { Offers } from "./import/offers.js";
import { prepare } from "./import/prepare.js";
import { type ModelIndex, unverified } from "./model-index.js";
import { openModel } from "./open-model.js";
import { ProgressMeter } from "./progress.js";
import type { AskArguments, AudioMessage, BenchArguments, Calls, ListenArguments, LoadArguments } from "./protocol.js";
import { streamShards } from "./shards.js";
import type { ModelFiles } from "./source.js";
import type { ShardStore } from "./store.js";
import { cacheTuning, cachedTuning } from "./tuning.js";
import type { AnswerResult, EngineKind, MemoryReport, ModelInfo, TextDelta, Progress, SoundInfo } from "./types.js";

/** Columns of the waveform. */
const WAVEFORM_COLUMNS = 2048;

/** Windows of a preview, unless the caller says otherwise. */
const PREVIEW_WINDOWS = 12;

export class Session {
  #engine: StartedEngine | undefined;
  #device: EngineDevice | undefined;
  #model: EngineModel | undefined;
  #config: string | undefined;
  #clips = new Map<number, EngineClip>();
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
    const [adapter, index] = await Promise.all([adapterReport(), openModel(files, signal)]);
    const kind = chooseEngine(args.engine, adapter, index);
    const engine = await engineModule(kind);
    this.#engine = engine;
    if (kind === "webgpu") this.#idleTimeout = args.idleTimeout;
    this.#signal = signal;
    try {
      const filled = await this.#fill({ kind, engine, files, index, args }, report);
      this.#rest();
      return { ...filled, engine: kind, adapter: engineName(kind === "webgpu" ? adapter : undefined) };
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
    const { engine, files, index, args } = plan;
    const notices: string[] = [];
    const meter = new ProgressMeter(index.totalBytes, (progress) => {
      if (progress.notice !== undefined) notices.push(progress.notice);
      emit(progress);
    });
    const notice = unverified(index);
    if (notice !== undefined) meter.notice(notice);
    let store = await chooseStore(args, files, index, meter);
    this.#config = index.texts.config;
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
    if (store.kind !== "none") await remember(files.url, index.texts).catch(() => undefined);
    meter.ready();
    return describe(index, this.#model, store, notices);
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

  async preview({ audio, maxWindows }: ListenArguments): Promise<SoundInfo> {
    const windows = await decode(this.#engine ?? (await anyEngine()), audio, maxWindows ?? PREVIEW_WINDOWS);
    try {
      return soundInfo(windows, audio);
    } finally {
      release(windows);
    }
  }

  async listen(
    { audio, maxWindows }: ListenArguments,
    emit: (event: Calls["listen"]["event"]) => void,
    signal: AbortSignal,
  ): Promise<Calls["listen"]["result"]> {
    const { engine, model } = this.#need();
    const windows = await decode(engine, audio, maxWindows ?? model.maxWindows, this.#config);
    const sound = soundInfo(windows, audio);
    const start = performance.now();
    const onWindow = (done: number, count: number) => emit({ done, windows: count });
    const clip = await this.#inTurn(signal, () => model.listen(windows, onWindow, signal)).finally(() => release(windows));
    const number = this.#nextClip++;
    this.#clips.set(number, clip);
    return { clip: number, info: { ...sound, encodeMs: performance.now() - start } };
  }

  async ask({ clip, question, options }: AskArguments, emit: (delta: TextDelta) => void, signal: AbortSignal): Promise<AnswerResult> {
    const engineClip = this.#clips.get(clip);
    if (!engineClip) throw new Disposed("clip");
    const onDelta = (text: string, restart: boolean) => emit({ text, restart });
    const answer = await this.#inTurn(signal, () => engineClip.ask(question, options, onDelta, signal));
    return finished(answer as EngineAnswer);
  }

  async bench(
    { windows, tokens }: BenchArguments,
    emit: (event: Calls["bench"]["event"]) => void,
    signal: AbortSignal,
  ): Promise<Calls["bench"]["result"]> {
    const { model } = this.#need();
    const onStep = (done: number, steps: number) => emit({ done, steps });
    const measured = await this.#inTurn(signal, () => model.bench(windows, tokens, onStep, signal));
    const { encodeMs, audioKvMs, firstTokenMs, tokenMs, gpu: info } = measured as EngineBench;
    const times = { windows, tokens, encodeMs, audioKvMs, firstTokenMs, tokensPerSecond: 1000 / tokenMs };
    if (!info) return { ...times, perToken: undefined, gpu: undefined };
    const { dispatches, weightBytes: bytes, copyBytesPerSecond, matmulFlopsPerSecond, kernels, encoder, token } = info;
    const perToken = { dispatches, microsecondsPerDispatch: (1000 * tokenMs) / dispatches, bytes, bytesPerSecond: (1000 * bytes) / tokenMs };
    return { ...times, perToken, gpu: { copyBytesPerSecond, matmulFlopsPerSecond, kernels, encoder, token } };
  }

  async tune(signal: AbortSignal): Promise<string> {
    const { model } = this.#need();
    const { tuning, description } = (await this.#inTurn(signal, () => model.tune())) as TuneResult;
    await cacheTuning(tuning);
    return description;
  }

  async memory(): Promise<MemoryReport> {
    return { gpuBytes: this.#gpuBytes(), wasmBytes: this.#need().engine.memory.buffer.byteLength };
  }

  async disposeClip(number: number): Promise<number> {
    const clip = this.#clips.get(number);
    this.#clips.delete(number);
    await this.#turn;
    clip?.free();
    return this.#gpuBytes();
  }

  /** Frees everything. Resolves to the GPU bytes that were not freed: 0. */
  async dispose(): Promise<number> {
    await this.#turn;
    clearTimeout(this.#idleTimer);
    this.#idleTimeout = undefined;
    for (const clip of this.#clips.values()) clip.free();
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

  #need(): { engine: StartedEngine; model: EngineModel } {
    if (!this.#engine || !this.#model) throw new Disposed("model");
    return { engine: this.#engine, model: this.#model };
  }

  #inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
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

/** The parts of a load. */
interface LoadPlan {
  kind: EngineKind;
  engine: StartedEngine;
  files: ModelFiles;
  index: ModelIndex;
  args: LoadArguments;
}

/** The store to use: none if the browser grants too little storage for the model. */
async function chooseStore(args: LoadArguments, files: ModelFiles, index: ModelIndex, meter: ProgressMeter): Promise<ShardStore> {
  if (files.local || args.cache === "none") return openStore("none");
  const store = await openStore(args.cache);
  if (store.kind !== args.cache) meter.notice(`this browser has no ${args.cache} cache here: using ${store.kind}`);
  const { quotaBytes, usedBytes } = await storageReport();
  const missing = index.totalBytes - (await cachedBytes(index));
  if (quotaBytes === 0 || missing <= quotaBytes - usedBytes) return store;
  meter.notice("continuing without cache: the browser grants too little storage for this model");
  return openStore("none");
}

function describe(index: ModelIndex, model: EngineModel, store: ShardStore, notices: string[]): Omit<ModelInfo, "engine" | "adapter"> {
  const { name, parameters, totalBytes } = index;
  const { maxWindows, windowSeconds } = model;
  return { name, parameters, totalBytes, maxWindows, windowSeconds, cache: store.kind, notices };
}

/** The engine's answer as plain data. */
function finished(answer: EngineAnswer): AnswerResult {
  const { text, finishReason, firstTokenMs, totalMs, questionCut, promptTokens } = answer;
  const tokens = [...answer.tokens];
  const tokensPerSecond = totalMs > firstTokenMs ? (1000 * (tokens.length - 1)) / (totalMs - firstTokenMs) : 0;
  const timings = { firstTokenMs, totalMs, tokensPerSecond };
  return { text, tokens, promptTokens, finishReason: finishReason as AnswerResult["finishReason"], questionCut, timings };
}

async function decode(module: StartedEngine, audio: AudioMessage, maxWindows: number, config?: string): Promise<AudioWindows> {
  if ("blob" in audio) return module.decodeAudio(new Uint8Array(await audio.blob.arrayBuffer()), audio.name, maxWindows, config);
  const { channels, sampleRate } = audio.pcm;
  const length = channels[0]?.length ?? 0;
  const samples = new Float32Array(length * channels.length);
  channels.forEach((channel, index) => samples.set(channel.subarray(0, length), index * length));
  return module.audioFromPcm(samples, channels.length, sampleRate, maxWindows, config);
}

/** After a panic the module still borrows the audio. Freeing it then fails, and must not hide the panic. */
function release(windows: AudioWindows): void {
  try {
    windows.free();
  } catch {
    // the instance is unusable anyway
  }
}

function soundInfo(windows: AudioWindows, audio: AudioMessage): SoundInfo {
  return {
    seconds: windows.seconds,
    windows: windows.count,
    windowSeconds: windows.windowSeconds,
    sourceRate: windows.sourceRate,
    truncated: windows.truncated,
    notices: windows.notices,
    decodedBy: "blob" in audio ? "engine" : audio.decodedBy,
    waveform: windows.waveform(WAVEFORM_COLUMNS),
    picture: { width: windows.pictureWidth, height: windows.pictureHeight, data: windows.picture() },
  };
}
