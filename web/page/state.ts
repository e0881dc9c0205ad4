/**
 * The state of the page: one immutable value. `state-transition.ts` says how events change it, `state-steps.ts` what runs in it,
 * `machine.ts` runs that. Views only show it.
 */

import type {
  AnswerResult,
  AudioIndex,
  Caption,
  CheckReport,
  Clip,
  LiveCaption,
  Model,
  ModelSource,
  Progress,
  Relevance,
  SearchHit,
  SoundInfo,
} from "audio-flamingo-2-webgpu";

/** Numbers sounds, loads, answers and runs, all from one counter. */
export type Id = number;

export interface PageState {
  next: Id;
  device: Device;
  model: ModelState;
  sound: Sound | undefined;
  microphone: Microphone;
  /** Newest first. */
  answers: Card[];
  /** The answer whose relevance is painted over the spectrogram. */
  heat: Id | undefined;
  timeline: Timeline;
  /** What keeps a question from being asked, until it is there. */
  lacking: "nothing" | "sound" | "model";
  /** What went wrong, for the banner. */
  problem: string;
}

/** `silent`: the browser did not answer within the limit. */
export type Device = { at: "looking" } | { at: "known"; report: CheckReport } | { at: "silent" };

export interface ModelState {
  /** Loaded as soon as the device is known. */
  atStart: ModelSource | undefined;
  ready: { id: Id; model: Model } | undefined;
  loading: Loading | undefined;
  /** Why the model is loaded anew while a step waits for it: the GPU was lost. */
  recovering: string | undefined;
  note: string;
}

export interface Loading {
  id: Id;
  source: ModelSource;
  progress: Progress | undefined;
  /** Nothing was reported for so long that people should know. */
  stalled: boolean;
}

/** What is needed to open a sound again. */
export interface SoundSource {
  name: string;
  /** An address until it is fetched. */
  source: Blob | string;
  suggestions: string[];
}

export interface Sound extends SoundSource {
  id: Id;
  /** Waveform and spectrogram, once decoded. */
  info: SoundInfo | undefined;
  /** Seconds of the whole file, once the player knows them. */
  fileSeconds: number | undefined;
  /** Windows to hear at most; undefined: as many as the model was made for. */
  most: number | undefined;
  hearing: Hearing;
}

export type Hearing =
  | { at: "waiting" }
  | { at: "listening"; model: Id; done: number; windows: number | undefined; stalled: boolean }
  | { at: "heard"; model: Id; clip: Clip }
  | { at: "failed"; reason: string };

export type Microphone =
  | { at: "off" }
  | { at: "recording"; id: Id; /** Undefined until the microphone is open. */ seconds: number | undefined; finishing: boolean }
  | { at: "live"; id: Id; question: string | undefined; captions: LiveCaption[] };

/** A question about a sound, and its answer. */
export interface Card {
  id: Id;
  sound: Id;
  about: SoundSource;
  question: string;
  status: "queued" | "running" | "done" | "stopped" | "failed";
  text: string;
  result: AnswerResult | undefined;
  where: { at: "unknown" } | { at: "locating" } | { at: "located"; relevance: Relevance } | { at: "failed"; reason: string };
}

/** How much of the whole file was heard. Some files do not tell how long they are. */
export interface Heard {
  seconds: number;
  duration: number | undefined;
}

/** Captions of the whole file, and a search in it. */
export interface Timeline {
  captioning: { at: "off" } | ({ at: "running"; id: Id } & Heard) | { at: "ended"; complete: boolean; reason: string };
  captions: Caption[];
  index: AudioIndex | undefined;
  search: Search;
}

export type Search =
  | { at: "off" }
  | ({ at: "indexing"; id: Id; text: string } & Heard)
  | { at: "searching"; id: Id; text: string; index: AudioIndex }
  | { at: "found"; text: string; hits: SearchHit[] }
  | { at: "failed"; reason: string };

export const EMPTY_TIMELINE: Timeline = { captioning: { at: "off" }, captions: [], index: undefined, search: { at: "off" } };

export const INITIAL: PageState = {
  next: 1,
  device: { at: "looking" },
  model: { atStart: undefined, ready: undefined, loading: undefined, recovering: undefined, note: "" },
  sound: undefined,
  microphone: { at: "off" },
  answers: [],
  heat: undefined,
  timeline: EMPTY_TIMELINE,
  lacking: "nothing",
  problem: "",
};

/** The card of a question that lost its clip while it ran, and is asked anew. */
export function requeued(card: Card): Card {
  return card.status === "running" ? { ...card, status: "queued", text: "" } : card;
}

/** The clip of the present sound, once the present model has heard it. */
export function heardClip({ sound }: PageState): Clip | undefined {
  return sound?.hearing.at === "heard" ? sound.hearing.clip : undefined;
}
