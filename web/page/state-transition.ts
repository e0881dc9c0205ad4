/** The transition function: state and event give the next state. Pure: what runs follows from the state (`state-steps.ts`). */

import type { Device, PageState } from "./state.js";
import type { PageEvent } from "./state-events.js";
import { microphone } from "./state-microphone.js";
import { model, recovered, startLoad } from "./state-model.js";
import { sound } from "./state-sound.js";
import { talk } from "./state-talk.js";
import { timeline } from "./state-timeline.js";

/** Each changes its own part of the state. The order matters: answers and timeline see the sound that the event chose. */
const REGIONS = [device, model, sound, microphone, talk, timeline];

export function transition(state: PageState, event: PageEvent): PageState {
  const next = settled(REGIONS.reduce((next, region) => region(next, event), state));
  return recovered(next, next === state ? undefined : event.type);
}

function device(state: PageState, event: PageEvent): PageState {
  if (state.device.at !== "looking") return state;
  switch (event.type) {
    case "checked":
      return { ...state, device: { at: "known", report: event.report }, problem: event.report.ok ? state.problem : event.report.verdict };
    case "device-silent":
      return { ...state, device: { at: "silent" } };
    case "failed":
      return event.step.kind === "check" ? { ...state, device: { at: "silent" }, problem: event.reason } : state;
    default:
      return state;
  }
}

/** Starts what can start: the first load, listening, the oldest question that waits. What is there is lacking no more. */
function settled(state: PageState): PageState {
  return answering(listening(supplied(loading(state))));
}

function usable(device: Device): boolean {
  return device.at === "silent" || (device.at === "known" && device.report.ok);
}

function loading(state: PageState): PageState {
  const { atStart, ready, loading } = state.model;
  if (atStart === undefined || state.device.at === "looking") return state;
  const next = { ...state, model: { ...state.model, atStart: undefined } };
  return ready || loading || !usable(state.device) ? next : startLoad(next, atStart);
}

function supplied(state: PageState): PageState {
  const { lacking, sound, model } = state;
  const there = lacking === "sound" ? sound : lacking === "model" ? (model.ready ?? model.loading) : undefined;
  return there ? { ...state, lacking: "nothing" } : state;
}

function listening(state: PageState): PageState {
  const { sound, model } = state;
  if (!model.ready || sound?.hearing.at !== "waiting" || typeof sound.source === "string") return state;
  const hearing = { at: "listening", model: model.ready.id, done: 0, windows: undefined, stalled: false } as const;
  return { ...state, sound: { ...sound, hearing } };
}

function answering(state: PageState): PageState {
  const { sound, answers } = state;
  if (sound?.hearing.at !== "heard" || answers.some(({ status }) => status === "running")) return state;
  const oldest = answers.findLast((card) => card.status === "queued" && card.sound === sound.id);
  if (!oldest) return state;
  return { ...state, answers: answers.map((card) => (card === oldest ? { ...card, status: "running", text: "" } : card)) };
}
