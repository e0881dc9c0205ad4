/** The banner for what went wrong. */

import { byId } from "./dom.js";
import type { Machine } from "./machine.js";

const INSECURE = "This page came over plain HTTP. WebGPU, the microphone and the storage need HTTPS or localhost; the CPU still answers.";

export function startBanner(machine: Machine): void {
  const element = byId("banner");
  machine.watch(
    ({ problem }) => problem,
    (problem) => {
      const text = problem || (isSecureContext ? "" : INSECURE);
      element.hidden = text === "";
      element.textContent = text;
    },
  );
}
