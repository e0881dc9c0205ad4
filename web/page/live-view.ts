/** Live captions: the present line, and the lines before it. */

import type { LiveCaption } from "audio-flamingo-2-webgpu";
import { level, sureness } from "./confidence.js";
import { byId, make, write } from "./dom.js";
import { clock } from "./format.js";
import type { Machine } from "./machine.js";

export function startLiveView(machine: Machine): void {
  const question = byId<HTMLInputElement>("question");
  byId("live-start").addEventListener("click", () => machine.send({ type: "live", question: question.value.trim() || undefined }));
  byId("live-stop").addEventListener("click", () => machine.send({ type: "stop-live" }));
  machine.watch(
    ({ microphone }) => microphone,
    (microphone) => {
      if (microphone.at !== "live") return;
      byId("live-question").textContent = microphone.question ?? "";
      show(microphone.captions);
    },
  );
}

function show(captions: LiveCaption[]): void {
  const line = byId("live-line");
  const last = captions.at(-1);
  const text = last ? (last.silent ? "Silence" : last.text) : "Listening…";
  write(line, text);
  line.dataset["sure"] = last && !last.silent ? level(last.confidence) : "fair";
  const log = byId("live-log");
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
  log.replaceChildren(...captions.filter(({ silent }) => !silent).map(row));
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function row({ time, text, confidence }: LiveCaption): HTMLLIElement {
  return make("li", "", make("time", "", clock(time)), make("span", "cue-text", text), make("span", "muted", sureness(confidence)));
}
