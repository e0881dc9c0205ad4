/** The one place for messages that stand in the way. */

import { byId } from "./dom.js";

/** Shows a message; without one, clears it. */
export function banner(text?: string): void {
  const element = byId("banner");
  element.hidden = text === undefined;
  element.textContent = text ?? "";
}
