/** One engine, one model, its clips: what lives in the worker. */

import { openStore, storageReport, cachedBytes } from "./cache.js";
import { remember } from "./catalogue.js";
import { type AudioWindows, type EngineAnswer, type EngineBench, type EngineClip, type EngineDevice, type EngineModel, type FoundKernels, type StartedEngine, engineModule } from "./engine.js";
import { adapterReport, anyEngine, engineName } from "./check.js";
import { chooseEngine } from "./choice.js";
import { BadRequest, Disposed } from "./errors.js";
import { keepKernels, keptKernels } from "./kernels.js";
import type { Manifest } from "./manifest.js";
import { openModel } from "./open-model.js";
import { ProgressMeter } from "./progress.js";
import type { AskArguments, AudioMessage, BenchArguments, Calls, ListenArguments, LoadArguments } from "./protocol.js";
import { streamShards } from "./shards.js";
import { type ModelFiles, openSource } from "./source.js";
import type { ShardStore } from "./store.js";
import type { AnswerResult, EngineKind, MemoryReport, ModelInfo, Piece, Progress, SoundInfo } from "./types.js";

/** Columns of the waveform drawn for people. */
const WAVEFORM_COLUMNS = 2048;

/** Windows of a preview when no model says otherwise. */
const PREVIEW_WINDOWS = 12;

export class Session {
  #engine: StartedEngine | undefined;
  #device: EngineDevice | undefined;
  #model: EngineModel | undefined;
  #config: string | undefined;
  #clips = new Map<number, EngineClip>();
  #nextClip = 1;
  /** The engine serves one listen or ask after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  async load(args: LoadArguments, emit: (progress: Progress) => void, signal: AbortSignal): Promise<ModelInfo> {
    if (this.#device) throw new BadRequest("this engine already holds a model");
    const files = openSource(args.source);
    const [adapter, manifest] = await Promise.all([adapterReport(), openModel(files, signal)]);
    const kind = chooseEngine(args.engine, adapter, manifest);
    const engine = await engineModule(kind);
    this.#engine = engine;
    const kernels = kind === "webgpu" ? await keptKernels() : undefined;
    this.#device = await engine.Engine.create(args.powerPreference === "low-power", kernels);
    const plan = { kind, engine, device: this.#device, files, manifest, args };
    try {
      const filled = await this.#fill(plan, emit, signal);
      return { ...filled, engine: kind, adapter: engineName(kind === "webgpu" ? adapter : undefined) };
    } catch (error) {
      await this.dispose();
      throw error;
    }
  }

  async #fill(
    { kind, engine, device, files, manifest, args }: Filling,
    emit: (progress: Progress) => void,
    signal: AbortSignal,
  ): Promise<Omit<ModelInfo, "engine" | "adapter">> {
    const notices: string[] = [];
    const meter = new ProgressMeter(manifest.totalBytes, (progress) => {
      if (progress.notice !== undefined) notices.push(progress.notice);
      emit(progress);
    });
    const wanted = await chooseStore(args, files, manifest, meter);
    this.#config = manifest.config;
    const loader = await device.beginModel(manifest.config, manifest.tokenizer, manifest.index);
    const newHash = () => new engine.Sha256();
    const plan = { manifest, files, store: wanted, loader, newHash, meter, parallel: args.parallel, signal };
    const store = await streamShards(plan).catch((error: unknown) => {
      loader.free();
      throw error;
    });
    if (kind === "webgpu") meter.compiling();
    this.#model = await loader.finish();
    if (store.kind !== "none") await remember(files.url, manifest).catch(() => undefined);
    meter.ready();
    return describe(manifest, this.#model, store, notices);
  }

  async preview({ audio, maxWindows }: ListenArguments): Promise<SoundInfo> {
    const windows = await decode(this.#engine ?? (await anyEngine()), audio, maxWindows ?? PREVIEW_WINDOWS);
    try {
      return soundInfo(windows, audio);
    } finally {
      windows.free();
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
    const clip = await this.#inTurn(signal, () => model.listen(windows, onWindow, signal)).finally(() => windows.free());
    const number = this.#nextClip++;
    this.#clips.set(number, clip);
    return { clip: number, info: { ...sound, encodeMs: performance.now() - start } };
  }

  async ask({ clip, question, options }: AskArguments, emit: (piece: Piece) => void, signal: AbortSignal): Promise<AnswerResult> {
    const heard = this.#clips.get(clip);
    if (!heard) throw new Disposed("clip");
    const onPiece = (text: string, restart: boolean) => emit({ text, restart });
    const answer = await this.#inTurn(signal, () => heard.ask(question, options, onPiece, signal));
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
    const { encodeMs, memoryMs, firstTokenMs, tokenMs, gpu: facts } = measured as EngineBench;
    const times = { windows, tokens, encodeMs, memoryMs, firstTokenMs, tokensPerSecond: 1000 / tokenMs };
    if (!facts) return { ...times, perToken: undefined, gpu: undefined };
    const { dispatches, weightBytes: bytes, copyBytesPerSecond, productFlopsPerSecond, kernels, encoder, token } = facts;
    const perToken = { dispatches, microsecondsPerDispatch: (1000 * tokenMs) / dispatches, bytes, bytesPerSecond: (1000 * bytes) / tokenMs };
    return { ...times, perToken, gpu: { copyBytesPerSecond, productFlopsPerSecond, kernels, encoder, token } };
  }

  async tune(signal: AbortSignal): Promise<string> {
    const { model } = this.#need();
    const { kept, description } = (await this.#inTurn(signal, () => model.tune())) as FoundKernels;
    await keepKernels(kept);
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

  /** Frees everything and returns the bytes that are still alive, which must be 0. */
  async dispose(): Promise<number> {
    await this.#turn;
    for (const clip of this.#clips.values()) clip.free();
    this.#clips.clear();
    this.#model?.free();
    this.#model = undefined;
    const left = this.#gpuBytes();
    this.#device?.destroy();
    this.#device = undefined;
    return left;
  }

  #gpuBytes(): number {
    return this.#device?.gpuBytes() ?? 0;
  }

  #need(): { engine: StartedEngine; model: EngineModel } {
    if (!this.#engine || !this.#model) throw new Disposed("model");
    return { engine: this.#engine, model: this.#model };
  }

  #inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => {
      signal.throwIfAborted();
      return work();
    });
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

/** What a load works with. */
interface Filling {
  kind: EngineKind;
  engine: StartedEngine;
  device: EngineDevice;
  files: ModelFiles;
  manifest: Manifest;
  args: LoadArguments;
}

/** The cache to use, none when the model will not fit in what the browser grants. */
async function chooseStore(args: LoadArguments, files: ModelFiles, manifest: Manifest, meter: ProgressMeter): Promise<ShardStore> {
  if (files.local || args.cache === "none") return openStore("none");
  const store = await openStore(args.cache);
  if (store.kind !== args.cache) meter.notice(`this browser has no ${args.cache} cache here: using ${store.kind}`);
  const { quotaBytes, usedBytes } = await storageReport();
  const missing = manifest.totalBytes - (await cachedBytes(manifest));
  if (quotaBytes === 0 || missing <= quotaBytes - usedBytes) return store;
  meter.notice("continuing without cache: the browser grants too little storage for this model");
  return openStore("none");
}

function describe(manifest: Manifest, model: EngineModel, store: ShardStore, notices: string[]): Omit<ModelInfo, "engine" | "adapter"> {
  const { name, parameters, totalBytes } = manifest;
  const { maxWindows, windowSeconds } = model;
  return { name, parameters, totalBytes, maxWindows, windowSeconds, cache: store.kind, notices };
}

/** The engine's answer as plain data. */
function finished(answer: EngineAnswer): AnswerResult {
  const { text, finishReason, firstTokenMs, totalMs, questionCut } = answer;
  const tokens = [...answer.tokens];
  const tokensPerSecond = totalMs > firstTokenMs ? (1000 * (tokens.length - 1)) / (totalMs - firstTokenMs) : 0;
  const timings = { firstTokenMs, totalMs, tokensPerSecond };
  return { text, tokens, finishReason: finishReason as AnswerResult["finishReason"], questionCut, timings };
}

async function decode(module: StartedEngine, audio: AudioMessage, maxWindows: number, config?: string): Promise<AudioWindows> {
  if ("blob" in audio) return module.decodeAudio(new Uint8Array(await audio.blob.arrayBuffer()), audio.name, maxWindows, config);
  const { channels, sampleRate } = audio.pcm;
  const length = channels[0]?.length ?? 0;
  const samples = new Float32Array(length * channels.length);
  channels.forEach((channel, index) => samples.set(channel.subarray(0, length), index * length));
  return module.audioFromPcm(samples, channels.length, sampleRate, maxWindows, config);
}

function soundInfo(windows: AudioWindows, audio: AudioMessage): SoundInfo {
  return {
    seconds: windows.seconds,
    windows: windows.count,
    windowSeconds: windows.windowSeconds,
    sourceRate: windows.sourceRate,
    truncated: windows.truncated,
    decodedBy: "blob" in audio ? "engine" : audio.decodedBy,
    waveform: windows.waveform(WAVEFORM_COLUMNS),
    picture: { width: windows.pictureWidth, height: windows.pictureHeight, data: windows.picture() },
  };
}
