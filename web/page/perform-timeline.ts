/** Captions the whole file, and searches in it. */

import type { Send } from "./machine.js";
import type { Step } from "./state-steps.js";

/** Most results of a search. */
const TOP = 8;
/** Hits that are less probable are not shown. */
const LEAST = 0.2;

export async function perform(step: Extract<Step, { kind: "captions" | "index" | "search" }>, signal: AbortSignal, send: Send): Promise<void> {
  const { run } = step;
  if (step.kind === "search") {
    const hits = await step.index.search(step.text, { top: TOP, minConfidence: LEAST, signal });
    if (!signal.aborted) send({ type: "found", run, hits });
    return;
  }
  if (step.kind === "index") {
    const onProgress = (_: number, seconds: number, duration: number | undefined) => signal.aborted || send({ type: "index-progress", run, seconds, duration });
    const index = await step.model.index([step.blob], { signal, onProgress });
    if (!signal.aborted) send({ type: "indexed", run, index });
    return;
  }
  const onProgress = (seconds: number, duration: number | undefined) => signal.aborted || send({ type: "caption-progress", run, seconds, duration });
  for await (const caption of step.model.captions(step.blob, { signal, onProgress })) {
    if (signal.aborted) return;
    send({ type: "captioned", run, caption });
  }
  if (!signal.aborted) send({ type: "captions-ended", run });
}
