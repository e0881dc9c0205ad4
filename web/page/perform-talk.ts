/** Asks, and finds the seconds that an answer rests on. */

import { audible } from "./audible.js";
import type { Send } from "./machine.js";
import type { Step } from "./state-steps.js";

export async function perform(step: Extract<Step, { kind: "ask" | "locate" }>, signal: AbortSignal, send: Send): Promise<void> {
  const { answer, clip, question } = step;
  if (step.kind === "locate") {
    const relevance = audible(await clip.where(question, step.text, { signal }), clip.info);
    if (!signal.aborted) send({ type: "located", answer, relevance });
    return;
  }
  const stream = clip.ask(question, { signal });
  for await (const { text, restart } of stream) if (!signal.aborted) send({ type: "delta", answer, text, restart });
  const result = await stream.result;
  if (!signal.aborted) send({ type: "answered", answer, result });
}
