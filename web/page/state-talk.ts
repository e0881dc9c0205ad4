/** Questions and answers. One question runs at a time; others wait in the order in which they were asked. */

import { type Card, heardClip, type Id, type PageState } from "./state.js";
import type { PageEvent } from "./state-events.js";

export function talk(state: PageState, event: PageEvent): PageState {
  switch (event.type) {
    case "ask":
      return ask(state, event.question);
    case "ask-again": {
      const card = state.answers.find(({ id }) => id === event.answer);
      return card ? ask(state, card.question) : state;
    }
    case "stop":
      return change(state, event.answer, isOpen, () => ({ status: "stopped" }));
    case "stop-all":
      return state.answers.some(isOpen) ? { ...state, answers: state.answers.map((card) => (isOpen(card) ? { ...card, status: "stopped" } : card)) } : state;
    case "delta":
      return change(state, event.answer, isRunning, ({ text }) => ({ text: (event.restart ? "" : text) + event.text }));
    case "answered":
      return change(state, event.answer, isRunning, () => ({ status: "done", text: event.result.text, result: event.result }));
    case "where":
      return locate(state, event.answer);
    case "located":
      return located(state, event);
    case "failed":
      return failed(state, event);
    default:
      return state;
  }
}

function ask(state: PageState, question: string): PageState {
  const { sound, model, device } = state;
  if (!sound) return { ...state, lacking: "sound" };
  const coming = model.ready ?? model.loading ?? model.atStart;
  if (coming === undefined && device.at !== "looking") return { ...state, lacking: "model" };
  const { id, name, source, suggestions, hearing } = sound;
  const card: Card = {
    id: state.next,
    sound: id,
    about: { name, source, suggestions },
    question,
    status: "queued",
    text: "",
    result: undefined,
    where: { at: "unknown" },
  };
  // A sound that could not be heard is tried again.
  const tried = hearing.at === "failed" ? { ...sound, hearing: { at: "waiting" } as const } : sound;
  return { ...state, next: state.next + 1, sound: tried, answers: [card, ...state.answers] };
}

/** Finds the seconds that an answer rests on, or shows or hides them if they are known. */
function locate(state: PageState, answer: Id): PageState {
  const card = state.answers.find(({ id }) => id === answer);
  if (!card?.result || card.sound !== state.sound?.id || !heardClip(state)) return state;
  if (card.where.at === "located") return { ...state, heat: state.heat === answer ? undefined : answer };
  return change(state, answer, isKnown, () => ({ where: { at: "locating" } }));
}

function located(state: PageState, { answer, relevance }: Extract<PageEvent, { type: "located" }>): PageState {
  const next = change(state, answer, isLocating, () => ({ where: { at: "located", relevance } }));
  return next === state ? state : { ...next, heat: answer };
}

function failed(state: PageState, { step, reason }: Extract<PageEvent, { type: "failed" }>): PageState {
  if (step.kind === "ask") return change(state, step.answer, isRunning, () => ({ status: "failed", text: reason }));
  if (step.kind === "locate") return change(state, step.answer, isLocating, () => ({ where: { at: "failed", reason } }));
  // What waited for a sound that cannot be heard has failed, too.
  if (step.kind !== "listen" || state.sound?.id !== step.sound || state.sound.hearing.at !== "failed" || !state.answers.some(isOpen)) return state;
  return { ...state, answers: state.answers.map((card) => (isOpen(card) ? { ...card, status: "failed", text: reason } : card)) };
}

const isKnown = () => true;
const isOpen = ({ status }: Card) => status === "queued" || status === "running";
const isRunning = ({ status }: Card) => status === "running";
const isLocating = ({ where }: Card) => where.at === "locating";

/** Changes one card, if it is as the event expects. */
function change(state: PageState, id: Id, expected: (card: Card) => boolean, changed: (card: Card) => Partial<Card>): PageState {
  if (!state.answers.some((card) => card.id === id && expected(card))) return state;
  return { ...state, answers: state.answers.map((card) => (card.id === id ? { ...card, ...changed(card) } : card)) };
}
