/** The page's state machine, without a browser: what every event makes of every state, and what runs then. */

import { expect, test } from "@playwright/test";
import { INITIAL, type PageState } from "../../web/page/state.js";
import type { PageEvent } from "../../web/page/state-events.js";
import { heldBy, stepsOf } from "../../web/page/state-steps.js";
import { transition } from "../../web/page/state-transition.js";
import type { AnswerResult, AudioIndex, Caption, CheckReport, Clip, LiveCaption, Model, Progress, Relevance, SoundInfo } from "../../web/src/index.js";

// The machine passes handles on and looks into none but the model's name.
const MODEL = { info: { name: "first" } } as Model;
const NEWER = { info: { name: "newer" } } as Model;
const CLIP = { info: {} } as Clip;
/** Of a sound that is longer than what the model was made for. */
const PART = { info: { truncated: true } } as Clip;
const BLOB = new Blob(["a"]);
const REPORT = { ok: true, verdict: "" } as CheckReport;
const RESULT = { text: "it is a cow" } as AnswerResult;
const RELEVANCE = { intervals: [] as Relevance["intervals"] } as Relevance;
const CAPTION = { text: "a cow" } as Caption;
const INDEX = {} as AudioIndex;

const SOUND = { name: "cow", source: BLOB, suggestions: [] };

function after(state: PageState, ...events: PageEvent[]): PageState {
  return events.reduce(transition, state);
}

/** Numbers are given in order: in these states the load is 1, the sound 2, the first answer 3 and what follows 4. */
const idle = after(INITIAL, { type: "checked", report: REPORT });
const loading = after(idle, { type: "load", source: "a/" });
const ready = after(loading, { type: "loaded", load: 1, model: MODEL, note: "" });
const opening = after(ready, { type: "choose", ...SOUND, source: "cow.ogg" });
const listening = after(ready, { type: "choose", ...SOUND });
const heard = after(listening, { type: "drawn", sound: 2, info: {} as SoundInfo }, { type: "heard", sound: 2, model: 1, clip: CLIP });
const answering = after(heard, { type: "ask", question: "what?" });
const queued = after(answering, { type: "ask", question: "and then?" });
const answered = after(answering, { type: "answered", answer: 3, result: RESULT });

const STATES = {
  "looking for a device": INITIAL,
  "no model": idle,
  loading,
  ready,
  "fetching a sound": opening,
  listening,
  heard,
  "heard in part": after(listening, { type: "drawn", sound: 2, info: {} as SoundInfo }, { type: "heard", sound: 2, model: 1, clip: PART }),
  "a sound, no model": after(idle, { type: "choose", ...SOUND }),
  "another model loads": after(answering, { type: "load", source: "b/" }),
  answering,
  queued,
  answered,
  locating: after(answered, { type: "where", answer: 3 }),
  recording: after(ready, { type: "record" }, { type: "recording", run: 2, seconds: 1 }),
  live: after(ready, { type: "live", question: undefined }),
  captioning: after(answered, { type: "caption" }),
  indexing: after(answered, { type: "search", text: "a dog" }),
  recovering: after(answering, { type: "recovering", load: 1, reason: "lost" }),
} satisfies Record<string, PageState>;

/** All events, with the numbers that they have in the states above; what is meant for others must change nothing. */
const EVENTS = {
  checked: { type: "checked", report: REPORT },
  "no engine": { type: "checked", report: { ok: false, verdict: "no" } as CheckReport },
  "device silent": { type: "device-silent" },
  shipped: { type: "shipped", source: "demo/" },
  load: { type: "load", source: "b/" },
  "stop load": { type: "stop-load" },
  "manifest read": { type: "progress", load: 1, progress: { phase: "download" } as Progress },
  "manifest of the newer": { type: "progress", load: 4, progress: { phase: "download" } as Progress },
  "newer converts": { type: "progress", load: 4, progress: { phase: "convert" } as Progress },
  loaded: { type: "loaded", load: 1, model: MODEL, note: "" },
  "newer loaded": { type: "loaded", load: 4, model: NEWER, note: "" },
  recovering: { type: "recovering", load: 1, reason: "lost" },
  "another recovers": { type: "recovering", load: 9, reason: "lost" },
  "load failed": { type: "failed", step: { kind: "load", load: 1, source: "", onCpu: false }, reason: "no" },
  "newer failed": { type: "failed", step: { kind: "load", load: 4, source: "", onCpu: false }, reason: "no" },
  choose: { type: "choose", ...SOUND },
  clear: { type: "clear" },
  "hear more": { type: "hear-more" },
  fetched: { type: "fetched", sound: 2, blob: BLOB },
  "fetched another": { type: "fetched", sound: 9, blob: BLOB },
  drawn: { type: "drawn", sound: 2, info: {} as SoundInfo },
  "drew another": { type: "drawn", sound: 9, info: {} as SoundInfo },
  window: { type: "window", sound: 2, done: 1, windows: 2 },
  heard: { type: "heard", sound: 2, model: 1, clip: CLIP },
  "heard another": { type: "heard", sound: 9, model: 1, clip: CLIP },
  "not decoded": { type: "failed", step: { kind: "preview", sound: 2, blob: BLOB }, reason: "no" },
  "not heard": { type: "failed", step: { kind: "listen", sound: 2, id: 1, model: MODEL, blob: BLOB, most: undefined }, reason: "no" },
  ask: { type: "ask", question: "again?" },
  "ask again": { type: "ask-again", answer: 3 },
  stop: { type: "stop", answer: 3 },
  "stop all": { type: "stop-all" },
  delta: { type: "delta", answer: 3, text: "it", restart: false },
  answered: { type: "answered", answer: 3, result: RESULT },
  "not answered": { type: "failed", step: { kind: "ask", answer: 3, clip: CLIP, question: "" }, reason: "no" },
  where: { type: "where", answer: 3 },
  located: { type: "located", answer: 3, relevance: RELEVANCE },
  record: { type: "record" },
  recording: { type: "recording", run: 2, seconds: 2 },
  "finish recording": { type: "finish-recording" },
  recorded: { type: "recorded", run: 2, blob: BLOB },
  "no microphone": { type: "failed", step: { kind: "record", run: 2 }, reason: "no" },
  live: { type: "live", question: undefined },
  "live caption": { type: "live-caption", run: 2, caption: {} as LiveCaption },
  "stop live": { type: "stop-live" },
  caption: { type: "caption" },
  captioned: { type: "captioned", run: 4, caption: CAPTION },
  "captions ended": { type: "captions-ended", run: 4 },
  "stop captions": { type: "stop-captions" },
  search: { type: "search", text: "a dog" },
  indexed: { type: "indexed", run: 4, index: INDEX },
  found: { type: "found", run: 4, hits: [] },
  "stop search": { type: "stop-search" },
} satisfies Record<string, PageEvent>;

/** The state in words; `·` stands between its parts. What is at rest is left out. */
function words({ device, model, sound, microphone, answers, heat, timeline, lacking, problem }: PageState): string {
  const engine = [model.ready && model.ready.model.info.name, model.loading && `loads ${model.loading.id}`, model.atStart && `will load ${model.atStart}`, model.recovering && "recovers"];
  const parts = [
    device.at === "known" ? "" : device.at,
    engine.filter(Boolean).join(" and ") || "no model",
    sound ? `sound ${sound.id} ${typeof sound.source === "string" ? "fetching" : sound.hearing.at}` : "",
    microphone.at === "off" ? "" : `${microphone.at}${microphone.at === "recording" && microphone.finishing ? " finishing" : ""}`,
    answers.map(({ id, status, where }) => `${id} ${status}${where.at === "unknown" ? "" : ` ${where.at}`}`).join(", "),
    heat === undefined ? "" : `heat ${heat}`,
    timeline.captioning.at === "off" ? "" : `captions ${timeline.captioning.at} ${timeline.captions.length}`,
    timeline.search.at === "off" ? "" : `search ${timeline.search.at}`,
    lacking === "nothing" ? "" : `lacks a ${lacking}`,
    problem,
  ];
  return parts.filter(Boolean).join(" · ");
}

/** What each event makes of each state. An event that is not listed changes nothing. */
const TABLE: Record<keyof typeof STATES, Partial<Record<keyof typeof EVENTS, string>>> = {
  // looking · no model
  "looking for a device": {
    checked: "no model",
    "no engine": "no model · no",
    "device silent": "silent · no model",
    shipped: "looking · will load demo/",
    load: "looking · loads 1",
    choose: "looking · no model · sound 1 waiting",
    ask: "looking · no model · lacks a sound",
    record: "looking · no model · recording",
    live: "looking · no model · lacks a model",
  },
  // no model
  "no model": {
    shipped: "loads 1",
    load: "loads 1",
    choose: "no model · sound 1 waiting",
    ask: "no model · lacks a sound",
    record: "no model · recording",
    live: "no model · lacks a model",
  },
  // loads 1
  loading: {
    load: "loads 2",
    "stop load": "no model",
    loaded: "first",
    "load failed": "no model",
    choose: "loads 1 · sound 2 waiting",
    ask: "loads 1 · lacks a sound",
    record: "loads 1 · recording",
    recovering: "loads 1 and recovers",
  },
  // first
  ready: {
    load: "first and loads 2",
    choose: "first · sound 2 listening",
    ask: "first · lacks a sound",
    record: "first · recording",
    live: "first · live",
  },
  // first · sound 2 fetching
  "fetching a sound": {
    load: "first and loads 3 · sound 2 fetching",
    choose: "first · sound 3 listening",
    clear: "first",
    fetched: "first · sound 2 listening",
    "not decoded": "first · no",
    ask: "first · sound 2 fetching · 3 queued",
    record: "first · sound 2 fetching · recording",
    live: "first · sound 2 fetching · live",
  },
  // first · sound 2 listening
  listening: {
    load: "first and loads 3 · sound 2 listening",
    choose: "first · sound 3 listening",
    clear: "first",
    heard: "first · sound 2 heard",
    "not decoded": "first · no",
    "not heard": "first · sound 2 failed",
    ask: "first · sound 2 listening · 3 queued",
    record: "first · sound 2 listening · recording",
    live: "first · sound 2 listening · live",
    caption: "first · sound 2 listening · captions running 0",
    search: "first · sound 2 listening · search indexing",
    recovering: "first and recovers · sound 2 listening",
  },
  // first · sound 2 heard
  heard: {
    load: "first and loads 3 · sound 2 heard",
    choose: "first · sound 3 listening",
    clear: "first",
    ask: "first · sound 2 heard · 3 running",
    record: "first · sound 2 heard · recording",
    live: "first · sound 2 heard · live",
    caption: "first · sound 2 heard · captions running 0",
    search: "first · sound 2 heard · search indexing",
  },
  // first · sound 2 heard
  "heard in part": {
    load: "first and loads 3 · sound 2 heard",
    choose: "first · sound 3 listening",
    clear: "first",
    "hear more": "first · sound 2 listening",
    ask: "first · sound 2 heard · 3 running",
    record: "first · sound 2 heard · recording",
    live: "first · sound 2 heard · live",
    caption: "first · sound 2 heard · captions running 0",
    search: "first · sound 2 heard · search indexing",
  },
  // no model · sound 1 waiting
  "a sound, no model": {
    shipped: "loads 2 · sound 1 waiting",
    load: "loads 2 · sound 1 waiting",
    choose: "no model · sound 2 waiting",
    clear: "no model",
    ask: "no model · sound 1 waiting · lacks a model",
    record: "no model · sound 1 waiting · recording",
    live: "no model · sound 1 waiting · lacks a model",
  },
  // first and loads 4 · sound 2 heard · 3 running
  "another model loads": {
    load: "first and loads 5 · sound 2 heard · 3 running",
    "stop load": "first · sound 2 heard · 3 running",
    "manifest of the newer": "loads 4 · sound 2 waiting · 3 queued",
    "newer loaded": "newer · sound 2 listening · 3 queued",
    "newer failed": "first · sound 2 heard · 3 running",
    choose: "first and loads 4 · sound 5 listening · 3 stopped",
    clear: "first and loads 4 · 3 stopped",
    ask: "first and loads 4 · sound 2 heard · 5 queued, 3 running",
    "ask again": "first and loads 4 · sound 2 heard · 5 queued, 3 running",
    stop: "first and loads 4 · sound 2 heard · 3 stopped",
    "stop all": "first and loads 4 · sound 2 heard · 3 stopped",
    answered: "first and loads 4 · sound 2 heard · 3 done",
    "not answered": "first and loads 4 · sound 2 heard · 3 failed",
    record: "first and loads 4 · sound 2 heard · recording · 3 running",
    live: "first and loads 4 · sound 2 heard · live · 3 running",
    caption: "first and loads 4 · sound 2 heard · 3 running · captions running 0",
    search: "first and loads 4 · sound 2 heard · 3 running · search indexing",
    recovering: "first and loads 4 and recovers · sound 2 heard · 3 running",
  },
  // first · sound 2 heard · 3 running
  answering: {
    load: "first and loads 4 · sound 2 heard · 3 running",
    choose: "first · sound 4 listening · 3 stopped",
    clear: "first · 3 stopped",
    ask: "first · sound 2 heard · 4 queued, 3 running",
    "ask again": "first · sound 2 heard · 4 queued, 3 running",
    stop: "first · sound 2 heard · 3 stopped",
    "stop all": "first · sound 2 heard · 3 stopped",
    answered: "first · sound 2 heard · 3 done",
    "not answered": "first · sound 2 heard · 3 failed",
    record: "first · sound 2 heard · recording · 3 running",
    live: "first · sound 2 heard · live · 3 running",
    caption: "first · sound 2 heard · 3 running · captions running 0",
    search: "first · sound 2 heard · 3 running · search indexing",
    recovering: "first and recovers · sound 2 heard · 3 running",
  },
  // first · sound 2 heard · 4 queued, 3 running
  queued: {
    load: "first and loads 5 · sound 2 heard · 4 queued, 3 running",
    choose: "first · sound 5 listening · 4 stopped, 3 stopped",
    clear: "first · 4 stopped, 3 stopped",
    ask: "first · sound 2 heard · 5 queued, 4 queued, 3 running",
    "ask again": "first · sound 2 heard · 5 queued, 4 queued, 3 running",
    stop: "first · sound 2 heard · 4 running, 3 stopped",
    "stop all": "first · sound 2 heard · 4 stopped, 3 stopped",
    answered: "first · sound 2 heard · 4 running, 3 done",
    "not answered": "first · sound 2 heard · 4 running, 3 failed",
    record: "first · sound 2 heard · recording · 4 queued, 3 running",
    live: "first · sound 2 heard · live · 4 queued, 3 running",
    caption: "first · sound 2 heard · 4 queued, 3 running · captions running 0",
    search: "first · sound 2 heard · 4 queued, 3 running · search indexing",
    recovering: "first and recovers · sound 2 heard · 4 queued, 3 running",
  },
  // first · sound 2 heard · 3 done
  answered: {
    load: "first and loads 4 · sound 2 heard · 3 done",
    choose: "first · sound 4 listening · 3 done",
    clear: "first · 3 done",
    ask: "first · sound 2 heard · 4 running, 3 done",
    "ask again": "first · sound 2 heard · 4 running, 3 done",
    where: "first · sound 2 heard · 3 done locating",
    record: "first · sound 2 heard · recording · 3 done",
    live: "first · sound 2 heard · live · 3 done",
    caption: "first · sound 2 heard · 3 done · captions running 0",
    search: "first · sound 2 heard · 3 done · search indexing",
  },
  // first · sound 2 heard · 3 done locating
  locating: {
    load: "first and loads 4 · sound 2 heard · 3 done locating",
    choose: "first · sound 4 listening · 3 done",
    clear: "first · 3 done",
    ask: "first · sound 2 heard · 4 running, 3 done locating",
    "ask again": "first · sound 2 heard · 4 running, 3 done locating",
    located: "first · sound 2 heard · 3 done located · heat 3",
    record: "first · sound 2 heard · recording · 3 done locating",
    live: "first · sound 2 heard · live · 3 done locating",
    caption: "first · sound 2 heard · 3 done locating · captions running 0",
    search: "first · sound 2 heard · 3 done locating · search indexing",
    recovering: "first and recovers · sound 2 heard · 3 done locating",
  },
  // first · recording
  recording: {
    load: "first and loads 3 · recording",
    choose: "first · sound 3 listening",
    ask: "first · recording · lacks a sound",
    "finish recording": "first · recording finishing",
    recorded: "first · sound 3 listening",
    "no microphone": "first · no",
    live: "first · live",
  },
  // first · live
  live: {
    load: "first and loads 3 · live",
    choose: "first · sound 3 listening",
    ask: "first · live · lacks a sound",
    record: "first · recording",
    "no microphone": "first · no",
    "stop live": "first",
    recovering: "first and recovers · live",
  },
  // first · sound 2 heard · 3 done · captions running 0
  captioning: {
    load: "first and loads 5 · sound 2 heard · 3 done · captions running 0",
    choose: "first · sound 5 listening · 3 done",
    clear: "first · 3 done",
    ask: "first · sound 2 heard · 5 running, 3 done · captions running 0",
    "ask again": "first · sound 2 heard · 5 running, 3 done · captions running 0",
    where: "first · sound 2 heard · 3 done locating · captions running 0",
    record: "first · sound 2 heard · recording · 3 done · captions running 0",
    live: "first · sound 2 heard · live · 3 done · captions running 0",
    captioned: "first · sound 2 heard · 3 done · captions running 1",
    "captions ended": "first · sound 2 heard · 3 done · captions ended 0",
    "stop captions": "first · sound 2 heard · 3 done · captions ended 0",
    search: "first · sound 2 heard · 3 done · captions running 0 · search indexing",
    recovering: "first and recovers · sound 2 heard · 3 done · captions running 0",
  },
  // first · sound 2 heard · 3 done · search indexing
  indexing: {
    load: "first and loads 5 · sound 2 heard · 3 done · search indexing",
    choose: "first · sound 5 listening · 3 done",
    clear: "first · 3 done",
    ask: "first · sound 2 heard · 5 running, 3 done · search indexing",
    "ask again": "first · sound 2 heard · 5 running, 3 done · search indexing",
    where: "first · sound 2 heard · 3 done locating · search indexing",
    record: "first · sound 2 heard · recording · 3 done · search indexing",
    live: "first · sound 2 heard · live · 3 done · search indexing",
    caption: "first · sound 2 heard · 3 done · captions running 0 · search indexing",
    indexed: "first · sound 2 heard · 3 done · search searching",
    "stop search": "first · sound 2 heard · 3 done",
    recovering: "first and recovers · sound 2 heard · 3 done · search indexing",
  },
  // first and recovers · sound 2 heard · 3 running
  recovering: {
    load: "first and loads 4 and recovers · sound 2 heard · 3 running",
    choose: "first and recovers · sound 4 listening · 3 stopped",
    clear: "first · 3 stopped",
    ask: "first and recovers · sound 2 heard · 4 queued, 3 running",
    "ask again": "first and recovers · sound 2 heard · 4 queued, 3 running",
    stop: "first · sound 2 heard · 3 stopped",
    "stop all": "first · sound 2 heard · 3 stopped",
    delta: "first · sound 2 heard · 3 running",
    answered: "first · sound 2 heard · 3 done",
    "not answered": "first · sound 2 heard · 3 failed",
    record: "first and recovers · sound 2 heard · recording · 3 running",
    live: "first and recovers · sound 2 heard · live · 3 running",
    caption: "first and recovers · sound 2 heard · 3 running · captions running 0",
    search: "first and recovers · sound 2 heard · 3 running · search indexing",
  },
};

for (const [name, state] of Object.entries(STATES) as [keyof typeof STATES, PageState][]) {
  test(`state: ${name}`, () => {
    const became: Partial<Record<string, string>> = {};
    for (const [event, value] of Object.entries(EVENTS) as [string, PageEvent][]) {
      const next = transition(state, value);
      if (words(next) !== words(state)) became[event] = words(next);
    }
    expect(became).toEqual(TABLE[name]);
  });
}

test("a step is in flight as long as the state names it", () => {
  const keys = (state: PageState) => [...stepsOf(state).keys()];
  expect(keys(INITIAL)).toEqual(["check"]);
  expect(keys(loading)).toEqual(["load 1"]);
  expect(keys(opening)).toEqual(["fetch 2"]);
  expect(keys(listening)).toEqual(["preview 2", "listen 2 1"]);
  expect(keys(after(listening, { type: "choose", ...SOUND })), "another sound").toEqual(["preview 3", "listen 3 1"]);
  expect(keys(after(listening, { type: "clear" })), "no sound").toEqual([]);
  expect(keys(answering)).toEqual(["ask 3"]);
  expect(keys(queued), "one question at a time").toEqual(["ask 3"]);
  expect(keys(STATES.locating)).toEqual(["locate 3"]);
  expect(keys(STATES.recording)).toEqual(["record 2"]);
  expect(keys(after(STATES.recording, { type: "finish-recording" }))).toEqual(["record 2", "finish 2"]);
  expect(keys(after(STATES.recording, { type: "choose", ...SOUND })), "the microphone is closed").toEqual(["preview 3", "listen 3 1"]);
  expect(keys(STATES.live)).toEqual(["live 2 1"]);
  expect(keys(STATES.captioning)).toEqual(["captions 4"]);
  expect(keys(STATES.indexing)).toEqual(["index 4"]);
});

test("models and clips are held as long as they are used", () => {
  const reload = after(answering, { type: "load", source: "b/" });
  expect(heldBy(reload), "the old model answers").toEqual([CLIP, MODEL]);
  expect(heldBy(after(reload, EVENTS["newer converts"])), "a conversion takes no memory").toEqual([CLIP, MODEL]);
  expect(heldBy(after(reload, EVENTS["manifest of the newer"]))).toEqual([]);
  expect(heldBy(after(reload, EVENTS["newer loaded"]))).toEqual([NEWER]);
  expect(heldBy(after(heard, { type: "clear" }))).toEqual([MODEL]);
});

test("more of a long sound is heard once; the question that runs is asked anew", () => {
  const more = after(STATES["heard in part"], { type: "ask", question: "what?" }, { type: "delta", answer: 3, text: "it", restart: false }, { type: "hear-more" });
  expect(more.answers).toMatchObject([{ id: 3, status: "queued", text: "" }]);
  expect(heldBy(more), "the shorter clip is freed").toEqual([MODEL]);
  expect(stepsOf(more).get("listen 2 1")).toMatchObject({ kind: "listen", most: 30 });
  const whole = after(more, { type: "heard", sound: 2, model: 1, clip: PART });
  expect(whole.answers).toMatchObject([{ id: 3, status: "running" }]);
  expect(after(whole, { type: "hear-more" }), "there is no more to hear in one go").toBe(whole);
});

test("questions are answered in the order in which they were asked", () => {
  const third = after(queued, { type: "ask", question: "third?" });
  const order = ["what?", "and then?", "third?"];
  let state = third;
  for (const question of order) {
    const running = state.answers.filter(({ status }) => status === "running");
    expect(running.map((card) => card.question)).toEqual([question]);
    state = after(state, { type: "answered", answer: running[0]?.id ?? 0, result: RESULT });
  }
  expect(state.answers.map(({ status }) => status)).toEqual(["done", "done", "done"]);
});

test("asked again about an earlier sound, that sound is opened and asked", () => {
  const other = after(answered, { type: "choose", name: "duck", source: new Blob(["b"]), suggestions: [] });
  const state = after(other, { type: "ask-again", answer: 3 });
  expect(state.sound).toMatchObject({ id: 5, name: "cow", source: BLOB });
  expect(state.answers.map(({ sound, status }) => [sound, status])).toEqual([[5, "queued"], [2, "done"]]);
});
