/** Starts and finishes a recording. */

import { byId } from "./dom.js";
import { clock } from "./format.js";
import type { Machine } from "./machine.js";

export function startRecordButton(machine: Machine): void {
  const control = byId("record");
  control.addEventListener("click", () => {
    const recording = machine.state.microphone.at === "recording";
    machine.send({ type: recording ? "finish-recording" : "record" });
  });
  machine.watch(
    ({ microphone }) => microphone,
    (microphone) => {
      const recording = microphone.at === "recording";
      control.toggleAttribute("data-recording", recording);
      byId("record-label").textContent = recording ? `Stop · ${clock(microphone.seconds ?? 0)}` : "Record";
    },
  );
}
