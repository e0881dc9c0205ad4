/** A button that plays or pauses one sound. */

import { button } from "./dom.js";
import type { Player } from "./player.js";

export function playButton(source: Blob, name: string, player: Player): HTMLButtonElement {
  const element = button("", "mini-play", () => player.toggle(source));
  const show = () => {
    const playing = player.playing && player.source === source;
    element.toggleAttribute("data-playing", playing);
    element.setAttribute("aria-label", `${playing ? "Pause" : "Play"} ${name}`);
  };
  player.listen(show);
  show();
  return element;
}
