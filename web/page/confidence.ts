/** How sure the model is, in words. */

import { percent } from "./format.js";

export type Level = "high" | "fair" | "low";

/** From this confidence on, with these words. */
const LEVELS: [number, Level, string][] = [
  [0.85, "high", "sure"],
  [0.6, "fair", "fairly sure"],
  [0.35, "low", "not sure"],
  [0, "low", "a guess"],
];

export function level(confidence: number): Level {
  return entry(confidence)[1];
}

/** `fairly sure, 71 %` */
export function sureness(confidence: number): string {
  const share = confidence >= 0.995 ? `over ${percent(0.99)}` : percent(confidence); // a model is never certain
  return `${entry(confidence)[2]}, ${share}`;
}

function entry(confidence: number): (typeof LEVELS)[number] {
  return LEVELS.find(([from]) => confidence >= from) ?? [0, "low", "a guess"];
}
