/** Which sound is open: fetched, drawn, and heard by the model. Reports about another sound change nothing. */

import { type Card, EMPTY_TIMELINE, type PageState, requeued, type Sound, type SoundSource } from "./state.js";
import type { PageEvent } from "./state-events.js";

/** Five minutes: the most that a released model hears in one go. */
export const MOST_WINDOWS = 30;

export function sound(state: PageState, event: PageEvent): PageState {
  switch (event.type) {
    case "choose":
      return openSound(state, event);
    case "clear":
      return state.sound ? withoutSound(state) : state;
    case "hear-more":
      return hearMore(state);
    case "recorded":
      if (state.microphone.at !== "recording" || state.microphone.id !== event.run) return state;
      return openSound(state, { name: "Recording", source: event.blob, suggestions: [] });
    case "ask-again": {
      const card = state.answers.find(({ id }) => id === event.answer);
      return card && card.sound !== state.sound?.id ? openSound(state, card.about) : state;
    }
    case "failed":
      return failed(state, event);
    default:
      return report(state, event);
  }
}

/** Opens a sound in place of the present one. */
function openSound(state: PageState, { name, source, suggestions }: SoundSource): PageState {
  const opened: Sound = { id: state.next, name, source, suggestions, info: undefined, fileSeconds: undefined, most: undefined, hearing: { at: "waiting" } };
  return { ...withoutSound(state), sound: opened, next: state.next + 1 };
}

/** Hears a long sound anew, and more of it. A running question is asked anew. */
function hearMore(state: PageState): PageState {
  const { sound } = state;
  if (sound?.hearing.at !== "heard" || !sound.hearing.clip.info.truncated || sound.most !== undefined) return state;
  return { ...state, sound: { ...sound, most: MOST_WINDOWS, hearing: { at: "waiting" } }, answers: state.answers.map(requeued) };
}

/** What concerned the sound ends with it. Its finished answers stay. */
function withoutSound(state: PageState): PageState {
  return {
    ...state,
    sound: undefined,
    microphone: { at: "off" },
    answers: state.answers.map(left),
    heat: undefined,
    timeline: EMPTY_TIMELINE,
    problem: "",
  };
}

function left(card: Card): Card {
  const status = card.status === "queued" || card.status === "running" ? "stopped" : card.status;
  return { ...card, status, where: card.where.at === "locating" ? { at: "unknown" } : card.where };
}

function failed(state: PageState, { step, reason }: Extract<PageEvent, { type: "failed" }>): PageState {
  if (!state.sound || !("sound" in step) || step.sound !== state.sound.id) return state;
  const { sound } = state;
  const { hearing } = sound;
  if (step.kind === "fetch" || step.kind === "preview") return sound.info ? state : { ...withoutSound(state), problem: reason };
  if (step.kind !== "listen" || hearing.at !== "listening" || hearing.model !== step.id) return state;
  return { ...state, sound: { ...sound, hearing: { at: "failed", reason } } };
}

function report(state: PageState, event: PageEvent): PageState {
  const { sound } = state;
  if (!sound) return state;
  if (event.type === "stalled") {
    const { hearing } = sound;
    if (hearing.at !== "listening" || event.key !== `listen ${sound.id} ${hearing.model}`) return state;
    return { ...state, sound: { ...sound, hearing: { ...hearing, stalled: true } } };
  }
  if (!("sound" in event) || event.sound !== sound.id) return state;
  const changes = change(sound, event);
  if (Object.keys(changes).length === 0) return state;
  const changed = { ...state, sound: { ...sound, ...changes } };
  return event.type === "fetched" ? { ...changed, answers: state.answers.map((card) => refer(card, event)) } : changed;
}

/** Once fetched, a sound is not fetched again to be played or asked about. */
function refer(card: Card, { sound, blob }: Extract<PageEvent, { type: "fetched" }>): Card {
  return card.sound === sound ? { ...card, about: { ...card.about, source: blob } } : card;
}

function change({ hearing }: Sound, event: PageEvent): Partial<Sound> {
  switch (event.type) {
    case "fetched":
      return { source: event.blob };
    case "drawn":
      return { info: event.info };
    case "measured":
      return { fileSeconds: event.seconds };
    case "window":
      return hearing.at === "listening" ? { hearing: { ...hearing, done: event.done, windows: event.windows, stalled: false } } : {};
    case "heard":
      return hearing.at === "listening" && hearing.model === event.model ? { hearing: { at: "heard", model: event.model, clip: event.clip } } : {};
    default:
      return {};
  }
}
