/** All that can happen to the page. */

import type { AnswerResult, AudioIndex, Caption, CheckReport, Clip, LiveCaption, Model, ModelSource, Progress, Relevance, SearchHit, SoundInfo } from "audio-flamingo-2-webgpu";
import type { Heard, Id, SoundSource } from "./state.js";
import type { Step } from "./state-steps.js";

/** What people do. */
type Act =
  | { type: "load"; source: ModelSource }
  | { type: "stop-load" }
  | ({ type: "choose" } & SoundSource)
  | { type: "clear" }
  | { type: "hear-more" }
  | { type: "ask"; question: string }
  | { type: "ask-again"; answer: Id }
  | { type: "stop"; answer: Id }
  | { type: "stop-all" }
  | { type: "where"; answer: Id }
  | { type: "record" }
  | { type: "finish-recording" }
  | { type: "live"; question: string | undefined }
  | { type: "stop-live" }
  | { type: "caption" }
  | { type: "stop-captions" }
  | { type: "search"; text: string }
  | { type: "stop-search" };

/** What the steps report. An event about something that is gone changes nothing. */
type Report =
  | { type: "shipped"; source: ModelSource }
  | { type: "checked"; report: CheckReport }
  | { type: "device-silent" }
  | { type: "progress"; load: Id; progress: Progress }
  | { type: "recovering"; load: Id; reason: string }
  | { type: "loaded"; load: Id; model: Model; note: string }
  | { type: "stalled"; key: string }
  | { type: "fetched"; sound: Id; blob: Blob }
  | { type: "drawn"; sound: Id; info: SoundInfo }
  | { type: "measured"; sound: Id; seconds: number }
  | { type: "window"; sound: Id; done: number; windows: number }
  | { type: "heard"; sound: Id; model: Id; clip: Clip }
  | { type: "delta"; answer: Id; text: string; restart: boolean }
  | { type: "answered"; answer: Id; result: AnswerResult }
  | { type: "located"; answer: Id; relevance: Relevance }
  | { type: "recording"; run: Id; seconds: number }
  | { type: "recorded"; run: Id; blob: Blob }
  | { type: "live-caption"; run: Id; caption: LiveCaption }
  | { type: "captioned"; run: Id; caption: Caption }
  | ({ type: "caption-progress"; run: Id } & Heard)
  | { type: "captions-ended"; run: Id }
  | ({ type: "index-progress"; run: Id } & Heard)
  | { type: "indexed"; run: Id; index: AudioIndex }
  | { type: "found"; run: Id; hits: SearchHit[] }
  | { type: "failed"; step: Step; reason: string };

export type PageEvent = Act | Report;
