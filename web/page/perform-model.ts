/** Asks for the device, and loads models. */

import { AudioFlamingo, type EngineChoice } from "audio-flamingo-2-webgpu";
import { bytes, sentence } from "./format.js";
import type { Send } from "./machine.js";
import { modelInSentence } from "./model-title.js";
import { confirmLicences } from "./release-card.js";
import type { Step } from "./state-steps.js";
import { Watchdog } from "./watchdog.js";

/** A driver that takes longer than this to describe its GPU will not answer. */
const DEVICE_SECONDS = 20;

/** `?engine=webgpu` in the page's address, to compare engines. */
const ENGINE = (new URLSearchParams(location.search).get("engine") ?? "auto") as EngineChoice;

export async function perform(step: Extract<Step, { kind: "check" | "load" }>, key: string, signal: AbortSignal, send: Send): Promise<void> {
  if (step.kind === "check") await check(signal, send);
  else await load(step, key, signal, send);
}

async function check(signal: AbortSignal, send: Send): Promise<void> {
  const limit = new Watchdog(DEVICE_SECONDS, signal, () => send({ type: "device-silent" }));
  try {
    const report = await AudioFlamingo.check(undefined, { engine: ENGINE, signal });
    if (!signal.aborted) send({ type: "checked", report });
  } finally {
    limit.stop();
  }
}

async function load({ load, source, onCpu }: Extract<Step, { kind: "load" }>, key: string, signal: AbortSignal, send: Send): Promise<void> {
  const watchdog = new Watchdog(Watchdog.PATIENCE, signal, () => send({ type: "stalled", key }));
  try {
    const model = await AudioFlamingo.load(source, {
      engine: onCpu ? "cpu" : ENGINE,
      signal,
      onProgress: (progress) => {
        watchdog.alive();
        if (!signal.aborted) send({ type: "progress", load, progress });
      },
      onLicence: confirmLicences,
      onRecovering: (reason) => send({ type: "recovering", load, reason }),
    });
    if (signal.aborted) return void (await model.dispose());
    const { name, totalBytes, notices } = model.info;
    send({ type: "loaded", load, model, note: [`${modelInSentence(name)} is ready, ${bytes(totalBytes)}.`, ...notices.map(sentence)].join(" ") });
  } finally {
    watchdog.stop();
  }
}
