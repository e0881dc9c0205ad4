/** Captions of the whole file and the search in it. Both end with their sound (`state-sound.ts`). */

import type { PageState, Timeline } from "./state.js";
import type { PageEvent } from "./state-events.js";

export function timeline(state: PageState, event: PageEvent): PageState {
  const { captioning } = state.timeline;
  if ("run" in event && captioning.at === "running" && captioning.id === event.run) return captioned(state, event);
  switch (event.type) {
    case "caption":
      if (!ready(state)) return state;
      return { ...withTimeline(state, { captioning: { at: "running", id: state.next, seconds: 0, duration: undefined }, captions: [] }), next: state.next + 1 };
    case "stop-captions":
      return captioning.at === "running" ? withTimeline(state, { captioning: { at: "ended", complete: false, reason: "Stopped." } }) : state;
    case "failed":
      if (event.step.kind !== "captions" || captioning.at !== "running" || captioning.id !== event.step.run) return searched(state, event);
      return withTimeline(state, { captioning: { at: "ended", complete: false, reason: event.reason } });
    default:
      return searched(state, event);
  }
}

function captioned(state: PageState, event: PageEvent): PageState {
  const { captioning, captions } = state.timeline;
  if (captioning.at !== "running") return state;
  if (event.type === "captioned") return withTimeline(state, { captions: [...captions, event.caption] });
  if (event.type === "caption-progress") return withTimeline(state, { captioning: { ...captioning, seconds: event.seconds, duration: event.duration } });
  if (event.type === "captions-ended") return withTimeline(state, { captioning: { at: "ended", complete: true, reason: "" } });
  return state;
}

function searched(state: PageState, event: PageEvent): PageState {
  const { index, search } = state.timeline;
  switch (event.type) {
    case "search": {
      if (!ready(state)) return state;
      const { text } = event;
      const next = index ? ({ at: "searching", id: state.next, text, index } as const) : ({ at: "indexing", id: state.next, text, seconds: 0, duration: undefined } as const);
      return { ...withTimeline(state, { search: next }), next: state.next + 1 };
    }
    case "stop-search":
      return search.at === "indexing" || search.at === "searching" ? withTimeline(state, { search: { at: "off" } }) : state;
    case "index-progress":
      if (search.at !== "indexing" || search.id !== event.run) return state;
      return withTimeline(state, { search: { ...search, seconds: event.seconds, duration: event.duration } });
    case "indexed":
      if (search.at !== "indexing" || search.id !== event.run) return state;
      return withTimeline(state, { index: event.index, search: { at: "searching", id: search.id, text: search.text, index: event.index } });
    case "found":
      if (search.at !== "searching" || search.id !== event.run) return state;
      return withTimeline(state, { search: { at: "found", text: search.text, hits: event.hits } });
    case "failed":
      if ((event.step.kind !== "index" && event.step.kind !== "search") || !("id" in search) || search.id !== event.step.run) return state;
      return withTimeline(state, { search: { at: "failed", reason: event.reason } });
    default:
      return withModelGone(state);
  }
}

/** Captions and index are made by a model, and end with it. */
function withModelGone(state: PageState): PageState {
  const { captioning, index, search } = state.timeline;
  if (state.model.ready || (captioning.at !== "running" && !index && search.at !== "indexing")) return state;
  const ended = captioning.at === "running" ? ({ at: "ended", complete: false, reason: "Another model is loaded." } as const) : captioning;
  return withTimeline(state, { captioning: ended, index: undefined, search: { at: "off" } });
}

function ready({ model, sound }: PageState): boolean {
  return model.ready !== undefined && sound !== undefined && typeof sound.source !== "string";
}

function withTimeline(state: PageState, change: Partial<Timeline>): PageState {
  return { ...state, timeline: { ...state.timeline, ...change } };
}
