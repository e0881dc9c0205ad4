/** Records the microphone. */

import { byId } from "./dom.js";
import { duration, message } from "./format.js";
import { banner } from "./banner.js";

/** A recording stops after this many seconds. */
const LONGEST = 120;

/** Wires the record button. `done` gets the finished recording. */
export function startRecorder(done: (blob: Blob, name: string) => void): void {
  const control = byId("record");
  let current: MediaRecorder | undefined;
  control.addEventListener("click", async () => {
    if (current) return current.stop();
    try {
      current = await record((blob) => {
        current = undefined;
        delete control.dataset["recording"];
        byId("record-label").textContent = "Record";
        done(blob, "Recording");
      });
      control.dataset["recording"] = "";
    } catch (error) {
      banner(`The microphone cannot be used: ${message(error)}`);
    }
  });
}

async function record(done: (blob: Blob) => void): Promise<MediaRecorder> {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  });
  const recorder = new MediaRecorder(stream);
  const chunks: Blob[] = [];
  const began = performance.now();
  const ticker = setInterval(() => {
    const seconds = (performance.now() - began) / 1000;
    byId("record-label").textContent = `Stop · ${duration(seconds)}`;
    if (seconds >= LONGEST) recorder.stop();
  }, 200);
  recorder.addEventListener("dataavailable", ({ data }) => chunks.push(data));
  recorder.addEventListener("stop", () => {
    clearInterval(ticker);
    for (const track of stream.getTracks()) track.stop();
    done(new Blob(chunks, { type: recorder.mimeType }));
  });
  recorder.start();
  return recorder;
}
