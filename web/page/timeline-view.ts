/** Captions of the whole file: on a timeline to click, in a list to read and play, as files to save. */

import type { Caption } from "audio-flamingo-2-webgpu";
import { cue } from "./cue.js";
import { byId, make } from "./dom.js";
import { startExport } from "./export.js";
import { clock, heardOf } from "./format.js";
import type { Machine } from "./machine.js";
import type { Player } from "./player.js";
import type { PageState } from "./state.js";

/** Sounds of more seconds than this have a timeline. */
const LONG = 20;

export function startTimeline(machine: Machine, player: Player): void {
  byId("captions-run").addEventListener("click", () => {
    machine.send({ type: machine.state.timeline.captioning.at === "running" ? "stop-captions" : "caption" });
  });
  byId("track").addEventListener("click", ({ clientX }) => {
    const { left, width } = byId("track").getBoundingClientRect();
    player.seek(((clientX - left) / width) * wholeSeconds(machine.state));
  });
  machine.watch(wholeSeconds, (seconds, state) => {
    byId("timeline").hidden = seconds <= LONG;
    byId("timeline-summary").textContent = `of the whole file, ${clock(seconds)}`;
    showTrack(state);
  });
  machine.watch(({ timeline }) => timeline.captioning, (_, state) => showProgress(state));
  machine.watch(({ model }) => model.ready, (ready) => (byId<HTMLButtonElement>("captions-run").disabled = !ready));
  machine.watch(({ timeline }) => timeline.captions, (captions, state) => {
    byId("captions-list").hidden = byId("export").hidden = captions.length === 0;
    byId("captions-list").replaceChildren(...captions.map((caption) => cue(caption, machine, player)));
    showTrack(state);
  });
  startExport(machine);
}

/** Seconds of the file, of which the model may have heard only the first. */
export function wholeSeconds({ sound }: PageState): number {
  return Math.max(sound?.fileSeconds ?? 0, sound?.info?.seconds ?? 0);
}

function showProgress(state: PageState): void {
  const { captioning, captions } = state.timeline;
  const running = captioning.at === "running";
  byId("captions-run").textContent = running ? "Stop" : captions.length > 0 ? "Caption it again" : "Caption the whole file";
  const bar = byId("captions-bar");
  bar.hidden = !running;
  if (running) {
    const percent = Math.min(100, Math.round((100 * captioning.seconds) / (captioning.duration ?? Math.max(1, wholeSeconds(state)))));
    bar.style.setProperty("--done", `${percent}%`);
    bar.setAttribute("aria-valuenow", String(percent));
  }
  byId("captions-note").textContent = note(captioning, captions);
}

function note(captioning: PageState["timeline"]["captioning"], captions: Caption[]): string {
  if (captioning.at === "running") return `Listening: ${heardOf(captioning)}…`;
  if (captioning.at === "off") return "";
  if (!captioning.complete) return captions.length > 0 ? `${captioning.reason} The captions so far stay.` : captioning.reason;
  return captions.length > 0 ? `${captions.length} captions.` : "Nothing was heard.";
}

function showTrack(state: PageState): void {
  const seconds = wholeSeconds(state);
  const { captions } = state.timeline;
  byId("track").hidden = captions.length === 0;
  if (captions.length === 0 || seconds === 0) return;
  byId("track-blocks").replaceChildren(...captions.map((caption) => block(caption, seconds)));
  const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => make("span", "", clock(share * seconds)));
  byId("track-ruler").replaceChildren(...marks);
}

function block({ start, end, text }: Caption, seconds: number): HTMLElement {
  const element = make("span", "block");
  element.title = `${clock(start)} ${text}`;
  element.style.setProperty("left", `${(100 * start) / seconds}%`);
  element.style.setProperty("width", `${(100 * (end - start)) / seconds}%`);
  return element;
}
