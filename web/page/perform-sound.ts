/** Fetches, draws and hears a sound. */

import { AudioFlamingo } from "audio-flamingo-2-webgpu";
import type { Send } from "./machine.js";
import { MOST_WINDOWS } from "./state-sound.js";
import type { Step } from "./state-steps.js";
import { Watchdog } from "./watchdog.js";

type SoundStep = Extract<Step, { kind: "fetch" | "preview" | "listen" }>;

export async function perform(step: SoundStep, key: string, signal: AbortSignal, send: Send): Promise<void> {
  if (step.kind === "fetch") await fetchSound(step, signal, send);
  else if (step.kind === "preview") await preview(step, signal, send);
  else await listen(step, key, signal, send);
}

async function fetchSound({ sound, url, name }: Extract<Step, { kind: "fetch" }>, signal: AbortSignal, send: Send): Promise<void> {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`“${name}” could not be fetched: the server answered ${response.status}.`);
  const blob = new File([await response.blob()], url.split("/").at(-1) ?? name);
  if (!signal.aborted) send({ type: "fetched", sound, blob });
}

async function preview({ sound, blob }: Extract<Step, { kind: "preview" }>, signal: AbortSignal, send: Send): Promise<void> {
  const info = await AudioFlamingo.preview(blob, { signal, maxWindows: MOST_WINDOWS });
  if (!signal.aborted) send({ type: "drawn", sound, info });
}

async function listen(step: Extract<Step, { kind: "listen" }>, key: string, signal: AbortSignal, send: Send): Promise<void> {
  const { sound, id, model, blob, most } = step;
  const watchdog = new Watchdog(Watchdog.PATIENCE, signal, () => send({ type: "stalled", key }));
  try {
    const clip = await model.listen(blob, {
      ...(most === undefined ? {} : { maxWindows: most }),
      signal,
      onProgress: (done, windows) => {
        watchdog.alive();
        if (!signal.aborted) send({ type: "window", sound, done, windows });
      },
    });
    if (signal.aborted) await clip.dispose();
    else send({ type: "heard", sound, model: id, clip });
  } finally {
    watchdog.stop();
  }
}
