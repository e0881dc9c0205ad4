/**
 * What runs in a state: a step is in flight as long as the state names its key. `machine.ts` starts the steps that appear, and aborts
 * those that vanish, each by its own AbortController.
 */

import type { AudioIndex, Clip, Model, ModelSource } from "audio-flamingo-2-webgpu";
import { heardClip, type Id, type PageState } from "./state.js";

export type Step =
  | { kind: "check" }
  | { kind: "load"; load: Id; source: ModelSource; onCpu: boolean }
  | { kind: "fetch"; sound: Id; url: string; name: string }
  | { kind: "preview"; sound: Id; blob: Blob }
  | { kind: "listen"; sound: Id; id: Id; model: Model; blob: Blob; most: number | undefined }
  | { kind: "ask"; answer: Id; clip: Clip; question: string }
  | { kind: "locate"; answer: Id; clip: Clip; question: string; text: string }
  | { kind: "record"; run: Id }
  | { kind: "finish"; run: Id }
  | { kind: "live"; run: Id; model: Model; question: string | undefined }
  | { kind: "captions"; run: Id; model: Model; blob: Blob }
  | { kind: "index"; run: Id; model: Model; blob: Blob }
  | { kind: "search"; run: Id; index: AudioIndex; text: string };

export function stepsOf(state: PageState): Map<string, Step> {
  const steps = [...modelSteps(state), ...soundSteps(state), ...microphoneSteps(state), ...answerSteps(state), ...timelineSteps(state)];
  return new Map(steps);
}

function* modelSteps({ device, model: { loading } }: PageState): Generator<[string, Step]> {
  if (device.at === "looking") yield ["check", { kind: "check" }];
  if (loading) yield [`load ${loading.id}`, { kind: "load", load: loading.id, source: loading.source, onCpu: device.at === "silent" }];
}

function* soundSteps({ sound, model }: PageState): Generator<[string, Step]> {
  if (!sound) return;
  const { id, name, source, hearing } = sound;
  if (typeof source === "string") return yield [`fetch ${id}`, { kind: "fetch", sound: id, url: source, name }];
  if (!sound.info) yield [`preview ${id}`, { kind: "preview", sound: id, blob: source }];
  if (hearing.at !== "listening" || !model.ready) return;
  yield [`listen ${id} ${hearing.model}`, { kind: "listen", sound: id, id: hearing.model, model: model.ready.model, blob: source, most: sound.most }];
}

function* microphoneSteps({ microphone, model }: PageState): Generator<[string, Step]> {
  if (microphone.at === "off") return;
  const { id: run } = microphone;
  if (microphone.at === "recording") {
    yield [`record ${run}`, { kind: "record", run }];
    if (microphone.finishing) yield [`finish ${run}`, { kind: "finish", run }];
  } else if (model.ready) {
    yield [`live ${run} ${model.ready.id}`, { kind: "live", run, model: model.ready.model, question: microphone.question }];
  }
}

function* answerSteps(state: PageState): Generator<[string, Step]> {
  const clip = heardClip(state);
  if (!clip) return;
  for (const { id, sound, question, status, text, where } of state.answers) {
    if (sound !== state.sound?.id) continue;
    if (status === "running") yield [`ask ${id}`, { kind: "ask", answer: id, clip, question }];
    if (where.at === "locating") yield [`locate ${id}`, { kind: "locate", answer: id, clip, question, text }];
  }
}

function* timelineSteps({ sound, model, timeline: { captioning, search } }: PageState): Generator<[string, Step]> {
  if (!sound || typeof sound.source === "string") return;
  const { source: blob } = sound;
  if (captioning.at === "running" && model.ready) yield [`captions ${captioning.id}`, { kind: "captions", run: captioning.id, model: model.ready.model, blob }];
  if (search.at === "indexing" && model.ready) yield [`index ${search.id}`, { kind: "index", run: search.id, model: model.ready.model, blob }];
  if (search.at === "searching") yield [`search ${search.id}`, { kind: "search", run: search.id, index: search.index, text: search.text }];
}

/** What a state holds that must be freed when it is gone. Clips come before the model that holds them. */
export function heldBy(state: PageState): (Clip | Model)[] {
  return [heardClip(state), state.model.ready?.model].filter((held) => held !== undefined);
}

/** Kinds of steps that need no model. */
const WITHOUT_MODEL: Step["kind"][] = ["check", "fetch", "preview", "record", "finish"];

/** Whether a model works in this state, or is loaded. */
export function usesModel(state: PageState): boolean {
  return [...stepsOf(state).values()].some(({ kind }) => !WITHOUT_MODEL.includes(kind));
}
