/** The work of each step. Nothing is reported once the signal has fired, and what arrives too late is freed. */

import { perform as performModelStep } from "./perform-model.js";
import { perform as performSoundStep } from "./perform-sound.js";
import { perform as performTalkStep } from "./perform-talk.js";
import { perform as performTimelineStep } from "./perform-timeline.js";
import type { Perform } from "./machine.js";
import { finishRecording, record } from "./recorder.js";
import { live } from "./live.js";

export const perform: Perform = async (step, key, signal, send) => {
  switch (step.kind) {
    case "check":
    case "load":
      return performModelStep(step, key, signal, send);
    case "fetch":
    case "preview":
    case "listen":
      return performSoundStep(step, key, signal, send);
    case "ask":
    case "locate":
      return performTalkStep(step, signal, send);
    case "captions":
    case "index":
    case "search":
      return performTimelineStep(step, signal, send);
    case "record":
      return record(step.run, signal, send);
    case "finish":
      return finishRecording();
    case "live":
      return live(step, signal, send);
  }
};
