/** The axes of the spectrogram: seconds below, hertz at the left. */

import { clock } from "./format.js";

/** A part of the canvas, in CSS pixels. */
export interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
}

const FONT = "500 11px 'Figtree Variable', system-ui, sans-serif";
const INK = "#f0e6ee";
/** Seconds between two labels, from short sounds to long ones. */
const STEPS = [0.5, 1, 2, 5, 10, 30, 60, 300, 600];
/** Fewest CSS pixels between two labels of the time axis. */
const APART = 48;
const HERTZ: [number, string][] = [
  [250, "250 Hz"],
  [1000, "1 kHz"],
  [2000, "2 kHz"],
  [4000, "4 kHz"],
  [8000, "8 kHz"],
];
/** The range of the mel bands, in Hz, as the engine's front end has it. */
const [LOWEST, HIGHEST] = [50, 8000];

export function drawSeconds(context: CanvasRenderingContext2D, { left, top, width, height }: Area, seconds: number): void {
  const step = STEPS.find((step) => (step / seconds) * width >= APART) ?? seconds;
  context.font = FONT;
  context.textBaseline = "middle";
  const bottom = top + height;
  for (let at = 0; at <= seconds; at += step) {
    const x = left + (at / seconds) * width;
    context.fillStyle = "#ffffff30";
    if (at > 0) context.fillRect(x, top, 1, height);
    const label = seconds < 60 ? `${at} s` : clock(at);
    if (x + context.measureText(label).width > left + width) break;
    context.fillStyle = INK;
    context.fillText(label, x + 3, bottom + 12);
  }
}

export function drawHertz(context: CanvasRenderingContext2D, { left, top, height }: Area): void {
  context.font = FONT;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const [hertz, label] of HERTZ) {
    const share = (mel(hertz) - mel(LOWEST)) / (mel(HIGHEST) - mel(LOWEST));
    const y = top + height * (1 - share);
    context.fillStyle = "#ffffff66";
    context.fillRect(left - 4, y, 4, 1);
    context.fillStyle = INK;
    context.fillText(label, left - 7, Math.max(y, top + 6));
  }
  context.textAlign = "left";
}

/** The mel scale of the front end. */
function mel(hertz: number): number {
  return 2595 * Math.log10(1 + hertz / 700);
}
