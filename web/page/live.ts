/** Captions what the microphone hears. */

import type { Send } from "./machine.js";
import { closeMicrophone, openMicrophone } from "./microphone.js";
import type { Step } from "./state-steps.js";

/** Seconds between questions, if the machine keeps up. */
const EVERY = 3;

export async function live({ run, model, question }: Extract<Step, { kind: "live" }>, signal: AbortSignal, send: Send): Promise<void> {
  const stream = await openMicrophone(signal);
  try {
    for await (const caption of model.live(stream, { ...(question === undefined ? {} : { question }), every: EVERY, signal })) {
      if (signal.aborted) return;
      send({ type: "live-caption", run, caption });
    }
  } finally {
    closeMicrophone(stream);
  }
}
