/** What the microphone is open for. Choosing a sound closes it (`state-sound.ts`). */

import type { PageState } from "./state.js";
import type { PageEvent } from "./state-events.js";

/** Live captions that stay on the page. */
const MOST_CAPTIONS = 200;

export function microphone(state: PageState, event: PageEvent): PageState {
  const { microphone } = state;
  switch (event.type) {
    case "record":
      return { ...state, microphone: { at: "recording", id: state.next, seconds: undefined, finishing: false }, next: state.next + 1, problem: "" };
    case "recording":
      return microphone.at === "recording" && microphone.id === event.run ? { ...state, microphone: { ...microphone, seconds: event.seconds } } : state;
    case "finish-recording":
      if (microphone.at !== "recording") return state;
      return { ...state, microphone: microphone.seconds === undefined ? { at: "off" } : { ...microphone, finishing: true } };
    case "live":
      if (!state.model.ready) return { ...state, lacking: "model" };
      return { ...state, microphone: { at: "live", id: state.next, question: event.question, captions: [] }, next: state.next + 1, problem: "" };
    case "live-caption":
      if (microphone.at !== "live" || microphone.id !== event.run) return state;
      return { ...state, microphone: { ...microphone, captions: [...microphone.captions, event.caption].slice(-MOST_CAPTIONS) } };
    case "stop-live":
      return microphone.at === "live" ? { ...state, microphone: { at: "off" } } : state;
    case "failed":
      if ((event.step.kind !== "record" && event.step.kind !== "live") || microphone.at === "off" || microphone.id !== event.step.run) return state;
      return { ...state, microphone: { at: "off" }, problem: event.reason };
    default:
      return withModelGone(state);
  }
}

/** Live captions end with their model. */
function withModelGone(state: PageState): PageState {
  return state.microphone.at === "live" && !state.model.ready ? { ...state, microphone: { at: "off" } } : state;
}
