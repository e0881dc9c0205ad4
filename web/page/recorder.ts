/** Records the microphone. */

import type { Send } from "./machine.js";
import { closeMicrophone, openMicrophone } from "./microphone.js";
import type { Id } from "./state.js";

/** A recording stops after this many seconds. */
const LONGEST = 120;

let current: MediaRecorder | undefined;

/** Records until it is finished or the signal fires. An aborted recording is thrown away. */
export async function record(run: Id, signal: AbortSignal, send: Send): Promise<void> {
  const stream = await openMicrophone(signal);
  if (signal.aborted) return;
  const recorder = new MediaRecorder(stream);
  const chunks: Blob[] = [];
  recorder.addEventListener("dataavailable", ({ data }) => chunks.push(data));
  const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve, { once: true }));
  const began = performance.now();
  const ticker = setInterval(() => {
    const seconds = Math.round((performance.now() - began) / 1000);
    if (!signal.aborted) send({ type: "recording", run, seconds });
    if (seconds >= LONGEST) finishRecording();
  }, 1000);
  recorder.start();
  current = recorder;
  send({ type: "recording", run, seconds: 0 });
  await stopped; // closing the microphone stops it, too
  clearInterval(ticker);
  closeMicrophone(stream);
  if (!signal.aborted) send({ type: "recorded", run, blob: new Blob(chunks, { type: recorder.mimeType }) });
}

export function finishRecording(): void {
  if (current?.state === "recording") current.stop();
}
