/** The banner for what went wrong. */

import { byId } from "./dom.js";
import { sentence } from "./format.js";
import type { Machine } from "./machine.js";

const INSECURE = "This page came over plain HTTP. WebGPU, the microphone and the storage need HTTPS or localhost; the CPU still answers.";

/** It goes away when the model works again (`state-model.ts`). */
function lost(reason: string): string {
  return `${sentence(reason)} The model is loaded again; what was running then goes on.`;
}

export function startBanner(machine: Machine): void {
  const element = byId("banner");
  machine.watch(
    ({ problem, model: { recovering } }) => problem || (recovering && lost(recovering)) || (isSecureContext ? "" : INSECURE),
    (text) => {
      element.hidden = text === "";
      element.textContent = text;
    },
  );
}
