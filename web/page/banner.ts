/** The banner for errors. */

import { byId } from "./dom.js";

/** Shows a message. Without one, hides the banner. */
export function banner(text?: string): void {
  const element = byId("banner");
  element.hidden = text === undefined;
  element.textContent = text ?? "";
}
