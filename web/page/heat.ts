/** Heat over the spectrogram: the seconds that an answer rests on. */

import type { Relevance } from "audio-flamingo-2-webgpu";
import type { Area } from "./axes.js";

/** Of the strongest second. */
const STRONGEST_ALPHA = 0.6;
/** The same where no stretch stands out. */
const FAINT_ALPHA = 0.2;
const HEAT = "92 242 214";

/** Paints the curve, and a bracket over each interval: heat is not told by colour alone. */
export function drawHeat(
  context: CanvasRenderingContext2D,
  { curve, secondsPerStep, intervals }: Relevance,
  { top, height }: Area,
  x: (second: number) => number,
  seconds: number,
): void {
  const strongest = curve.reduce((most, value) => Math.max(most, value), 0) || 1;
  const alpha = intervals.length > 0 ? STRONGEST_ALPHA : FAINT_ALPHA;
  context.fillStyle = "#150c1d80";
  context.fillRect(x(0), top, x(seconds) - x(0), height);
  curve.forEach((value, step) => {
    const [from, to] = [x(step * secondsPerStep), x((step + 1) * secondsPerStep)];
    context.fillStyle = `rgb(${HEAT} / ${(alpha * Math.max(0, value)) / strongest})`;
    context.fillRect(from, top, to - from, height);
  });
  context.fillStyle = `rgb(${HEAT})`;
  for (const { start, end } of intervals) {
    const [from, to] = [x(start), x(end)];
    context.fillRect(from, top, to - from, 3);
    context.fillRect(from, top, 2, 12);
    context.fillRect(to - 2, top, 2, 12);
  }
}
