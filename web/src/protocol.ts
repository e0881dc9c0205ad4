/** Typed messages between the page and the worker that owns the engine. */

import type { WireError } from "./errors.js";
import type { Caption, LiveCaption, SearchHit } from "./types-long.js";
import type {
  AnswerResult,
  AskOptions,
  BenchReport,
  CachedModel,
  CacheKind,
  ChannelChoice,
  CheckReport,
  Choice,
  ClipInfo,
  EngineChoice,
  ImportOffer,
  MemoryReport,
  ModelInfo,
  Pcm,
  TextDelta,
  Progress,
  Relevance,
  RelevanceMethod,
  SoundInfo,
  VerifyReport,
  WeightScheme,
} from "./types.js";

/** A model source that can be posted to a worker. */
export type SourceMessage = { url: string } | { directory: FileSystemDirectoryHandle } | { files: File[]; paths: string[] };

/** A file that a worker can read by ranges. */
export interface FileMessage {
  blob: Blob;
  name: string;
}

/** Audio that can be posted to a worker. */
export type AudioMessage = FileMessage | { pcm: Pcm; decodedBy: "browser" | "caller" };

export interface LoadArguments {
  source: SourceMessage;
  engine: EngineChoice;
  cache: CacheKind;
  powerPreference: "low-power" | "high-performance";
  parallel: number;
  retryFor: number;
  idleTimeout: number | undefined;
  hub: HubOptions;
}

/** What a hub is asked for and how. */
export interface HubOptions {
  /** How an import stores matrices. */
  weights: WeightScheme;
  /** Address of the hub, without a slash at its end. */
  endpoint: string;
  token: string | undefined;
}

export interface ListenArguments {
  audio: AudioMessage;
  maxWindows: number | undefined;
  channel: ChannelChoice | undefined;
}

export interface AskArguments {
  clip: number;
  question: string;
  options: Omit<AskOptions, "signal">;
}

export interface AskAllArguments {
  /** Undefined: without audio. */
  clip: number | undefined;
  questions: string[];
  options: Omit<AskOptions, "signal">;
}

export interface ChooseArguments {
  clip: number;
  question: string;
  options: string[];
  letters: boolean;
}

export interface WhereArguments {
  clip: number;
  question: string;
  /** The answer's tokens; without any, its text. */
  tokens: number[] | undefined;
  text: string | undefined;
  method: RelevanceMethod;
}

export interface CaptionArguments {
  audio: FileMessage;
  question: string | undefined;
  hop: number | undefined;
  minConfidence: number;
  channel: ChannelChoice | undefined;
}

/** A file for an index, with the milliseconds since 1970 of its last change. */
export interface IndexedFile extends FileMessage {
  modified: number;
}

export interface IndexArguments {
  files: IndexedFile[];
  /** An index to go on with. */
  former: Blob | undefined;
  channel: ChannelChoice | undefined;
}

export interface SearchArguments {
  blob: Blob;
  text: string;
  top: number;
  minConfidence: number;
}

/** The last seconds of a stream. */
export interface GlanceArguments {
  pcm: Pcm;
  question: string | undefined;
  minConfidence: number;
}

export interface BenchArguments {
  windows: number;
  tokens: number;
}

/** What is new while captions are made. */
export interface CaptionEvent {
  captions: Caption[];
  /** Seconds that were heard. */
  seconds: number;
  duration: number | undefined;
}

/** Every call: its arguments, its result, and the events it emits while it runs. */
export interface Calls {
  check: { args: { url: string | undefined; engine: EngineChoice; hub: HubOptions }; result: CheckReport; event: never };
  load: { args: LoadArguments; result: ModelInfo; event: Progress | { offer: ImportOffer } };
  /** Answers the offer of a load. `refusal` says why the licences are not accepted. */
  licence: { args: { refusal: string | undefined }; result: void; event: never };
  preview: { args: ListenArguments; result: SoundInfo; event: never };
  listen: { args: ListenArguments; result: { clip: number; info: ClipInfo }; event: { done: number; windows: number } };
  ask: { args: AskArguments; result: AnswerResult; event: TextDelta };
  /** Every answer is an event. */
  askAll: { args: AskAllArguments; result: void; event: AnswerResult };
  choose: { args: ChooseArguments; result: Choice; event: never };
  where: { args: WhereArguments; result: Relevance; event: never };
  captions: { args: CaptionArguments; result: void; event: CaptionEvent };
  index: {
    args: IndexArguments;
    /** `file` counts the files of the call; `begun` tells that its beginning is in the index. */
    result: { blob: Blob; refused: { file: number; begun: boolean; reason: string }[] };
    event: { file: number; seconds: number; duration: number | undefined };
  };
  openIndex: { args: { blob: Blob }; result: { files: string[]; windows: number }; event: never };
  search: { args: SearchArguments; result: SearchHit[]; event: never };
  glance: { args: GlanceArguments; result: Omit<LiveCaption, "time" | "askedBack">; event: never };
  bench: { args: BenchArguments; result: Omit<BenchReport, "model" | "engine" | "adapter">; event: { done: number; steps: number } };
  tune: { args: Record<string, never>; result: string; event: never };
  memory: { args: Record<string, never>; result: MemoryReport; event: never };
  disposeClip: { args: { clip: number }; result: number; event: never };
  disposeModel: { args: Record<string, never>; result: number; event: never };
  cacheList: { args: Record<string, never>; result: CachedModel[]; event: never };
  cacheDelete: { args: { id: string }; result: void; event: never };
  cacheVerify: { args: { id: string }; result: VerifyReport; event: never };
}

export type CallName = keyof Calls;

export type ToHost =
  | { [Name in CallName]: { id: number; call: Name; args: Calls[Name]["args"] } }[CallName]
  | { id: number; cancel: true }
  /** Asks whether the host is still there: it answers `ready` with another lock. */
  | { alive: true }
  /** The folder of the .wasm files, before the first call. */
  | { wasmUrl: string };

export type FromHost =
  /** `lock` is held as long as the worker lives; undefined where there are no locks. */
  | { ready: true; webgpu: boolean; lock: string | undefined }
  /** The GPU was lost, for this reason, and the model is being loaded again. */
  | { recovering: string }
  /** The wasm instance is unusable: it panicked. */
  | { fatal: string }
  | { id: number; event: unknown }
  | { id: number; result: unknown }
  | { id: number; error: WireError };

/** The common interface of `Worker`, `MessagePort` and a worker's global scope. */
export interface Port {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
}
