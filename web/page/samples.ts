/** The sample sounds beside the page. */

import { byId, button } from "./dom.js";
import type { Machine } from "./machine.js";
import { shippedSounds } from "./shipped.js";

export async function startSamples(machine: Machine): Promise<void> {
  const buttons = new Map<string, HTMLButtonElement>();
  for (const { title, url, suggestions } of await shippedSounds()) {
    buttons.set(title, button(title, "pill", () => machine.send({ type: "choose", name: title, source: url, suggestions })));
  }
  byId("samples").append(...buttons.values());
  machine.watch(
    ({ sound }) => sound?.name,
    (name) => {
      for (const [title, element] of buttons) element.setAttribute("aria-pressed", String(title === name));
    },
  );
}
