/** A stretch of the sound in a list: time, text, how sure. Clicking plays it. */

import { level, sureness } from "./confidence.js";
import { button, make } from "./dom.js";
import { clock } from "./format.js";
import type { Machine } from "./machine.js";
import type { Player } from "./player.js";

export function cue(stretch: { start: number; end: number; text: string; confidence: number }, machine: Machine, player: Player): HTMLLIElement {
  const play = button("", "cue", () => {
    const source = machine.state.sound?.source;
    if (source instanceof Blob) player.playStretch(source, stretch);
  });
  const sure = make("span", "cue-sure", sureness(stretch.confidence));
  sure.dataset["sure"] = level(stretch.confidence);
  play.append(make("span", "cue-time", `${clock(stretch.start)}–${clock(stretch.end)}`), make("span", "cue-text", stretch.text), sure);
  return make("li", "", play);
}
