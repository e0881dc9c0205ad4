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
      show(microphone.captions, microphone.question === undefined);
    },
  );
}

/** Captions can be `checked`: the model is asked back whether it hears them. */
function show(captions: LiveCaption[], checked: boolean): void {
  const line = byId("live-line");
  const last = captions.at(-1);
  const text = last ? words(last) : "Listening…";
  write(line, text);
  line.dataset["sure"] = last && !last.silent ? level(last.confidence) : "fair";
  const log = byId("live-log");
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
  log.replaceChildren(...captions.filter(({ text }) => text !== "").map((caption) => row(caption, checked)));
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function words({ silent, text }: LiveCaption): string {
  return silent ? "Silence" : text || "Nothing familiar";
}

/** A caption that the machine had no time to check is as probable of noise as of anything. */
function row({ time, text, confidence, askedBack }: LiveCaption, checked: boolean): HTMLLIElement {
  const sure = checked && !askedBack ? "not checked" : sureness(confidence);
  return make("li", "", make("time", "", clock(time)), make("span", "cue-text", text), make("span", "muted", sure));
}
