/** Which model is loaded, and which is loading. The old one answers until the new one's manifest is read. */

import type { ModelSource } from "audio-flamingo-2-webgpu";
import { modelInSentence } from "./model-title.js";
import { type Loading, type PageState, requeued } from "./state.js";
import type { PageEvent } from "./state-events.js";
import { usesModel } from "./state-steps.js";

export function model(state: PageState, event: PageEvent): PageState {
  const { loading } = state.model;
  switch (event.type) {
    case "shipped":
      return withModel(state, { atStart: event.source });
    case "load":
      return startLoad(state, event.source);
    case "stop-load":
      return loading ? withModel(state, { loading: undefined, note: "Stopped. The next load resumes here." }) : state;
    case "stalled":
      return loading && event.key === `load ${loading.id}` ? withModel(state, { loading: { ...loading, stalled: true } }) : state;
    case "progress":
      return loading?.id === event.load ? progressed(state, loading, event) : state;
    case "loaded":
      if (loading?.id !== event.load) return state;
      return withoutModel(state, { ready: { id: event.load, model: event.model }, loading: undefined, note: event.note });
    case "failed":
      if (event.step.kind !== "load" || loading?.id !== event.step.load) return state;
      return withModel(state, { loading: undefined, note: event.reason + kept(state) });
    case "recovering":
      return (state.model.ready ?? loading)?.id === event.load ? withModel(state, { recovering: event.reason }) : state;
    default:
      return state;
  }
}

/** What only a model at work reports. */
const AT_WORK: PageEvent["type"][] = ["window", "delta", "live-caption", "caption-progress", "index-progress"];

/** After a lost GPU: the model works again, or nothing waits for it. */
export function recovered(state: PageState, happened: PageEvent["type"] | undefined): PageState {
  if (state.model.recovering === undefined) return state;
  const over = (happened !== undefined && AT_WORK.includes(happened)) || !usesModel(state);
  return over ? withModel(state, { recovering: undefined }) : state;
}

/** Begins a load. One in progress ends. */
export function startLoad(state: PageState, source: ModelSource): PageState {
  const loading = { id: state.next, source, progress: undefined, stalled: false };
  return { ...withModel(state, { loading, note: "" }), next: state.next + 1, problem: "" };
}

function progressed(state: PageState, loading: Loading, { progress }: Extract<PageEvent, { type: "progress" }>): PageState {
  const change = { loading: { ...loading, progress, stalled: false }, note: progress.notice ?? state.model.note };
  // Only a converted model takes memory, and its manifest is read when the first byte of it is reported.
  if (progress.phase === "convert" || !state.model.ready) return withModel(state, change);
  return withoutModel(state, { ...change, ready: undefined });
}

/** Another model: the sound is to be heard anew, and a running question asked anew. */
function withoutModel(state: PageState, change: Partial<PageState["model"]>): PageState {
  const { sound } = state;
  return {
    ...withModel(state, change),
    sound: sound && { ...sound, hearing: { at: "waiting" } },
    answers: state.answers.map(requeued),
  };
}

function withModel(state: PageState, change: Partial<PageState["model"]>): PageState {
  return { ...state, model: { ...state.model, ...change } };
}

function kept({ model: { ready } }: PageState): string {
  return ready ? ` ${modelInSentence(ready.model.info.name)} stays in use.` : "";
}
