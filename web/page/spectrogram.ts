/** Draws a sound: waveform above, log-mel spectrogram below, axes in seconds and hertz, heat where an answer rests on it. */

import type { Relevance, SoundInfo } from "audio-flamingo-2-webgpu";
import { type Area, drawHertz, drawSeconds } from "./axes.js";
import { drawHeat } from "./heat.js";
import { shade } from "./palette.js";

/** Share of the height that the waveform takes. */
const WAVE_SHARE = 0.24;
/** CSS pixels beside and below the picture, for the axes. */
const GUTTER = { left: 46, bottom: 22 };

export class Spectrogram {
  readonly #canvas: HTMLCanvasElement;
  #sound: SoundInfo | undefined;
  #picture: ImageBitmap | undefined;
  #position = 0;
  #heardSeconds = Infinity;
  #heat: Relevance | undefined;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("contextrestored", () => this.draw()); // a lost GPU takes what was drawn
  }

  /** Shows a sound, or nothing. A sound that is chosen while another one is prepared wins. */
  async show(sound: SoundInfo | undefined): Promise<void> {
    this.#sound = sound;
    this.#picture = undefined;
    this.#position = 0;
    this.draw();
    const picture = sound && (await createImageBitmap(shade(sound.picture)));
    if (this.#sound !== sound) return;
    this.#picture = picture;
    this.draw();
  }

  /** Playback position in seconds. */
  set position(seconds: number) {
    this.#position = seconds;
    this.draw();
  }

  /** Seconds that the model has heard. Later ones are darkened. */
  set heardSeconds(seconds: number) {
    this.#heardSeconds = seconds;
    this.draw();
  }

  set heat(relevance: Relevance | undefined) {
    this.#heat = relevance;
    this.draw();
  }

  draw(): void {
    const context = this.#canvas.getContext("2d");
    if (!context) return;
    const { width, height } = fit(this.#canvas);
    context.clearRect(0, 0, width, height);
    const sound = this.#sound;
    if (!sound) return;
    const { seconds } = sound;
    const waveHeight = (height - GUTTER.bottom) * WAVE_SHARE;
    const area = { left: GUTTER.left, top: waveHeight, width: width - GUTTER.left, height: height - GUTTER.bottom - waveHeight };
    const x = (second: number) => area.left + (Math.min(second, seconds) / seconds) * area.width;
    if (this.#picture) drawPicture(context, this.#picture, area, seconds / span(sound));
    drawWave(context, sound, { ...area, top: 0, height: waveHeight });
    if (this.#heat) drawHeat(context, this.#heat, area, x, seconds);
    context.fillStyle = "#150c1da8";
    context.fillRect(x(this.#heardSeconds), 0, width - x(this.#heardSeconds), height - GUTTER.bottom);
    drawSeconds(context, area, seconds);
    drawHertz(context, area);
    context.fillStyle = "#ffffff";
    if (this.#position > 0) context.fillRect(x(this.#position) - 1, 0, 2, height - GUTTER.bottom);
  }
}

/** Seconds that picture and waveform span: whole windows, the end of the last one padded. */
function span({ windows, windowSeconds }: SoundInfo): number {
  return windows * windowSeconds;
}

/** Sets the canvas's resolution to the screen's. Returns its size in CSS pixels. */
function fit(canvas: HTMLCanvasElement): { width: number; height: number } {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.getContext("2d")?.scale(scale, scale);
  return { width, height };
}

/** The picture without the padding behind the sound. */
function drawPicture(context: CanvasRenderingContext2D, picture: ImageBitmap, { left, top, width, height }: Area, share: number): void {
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, Math.max(1, picture.width * share), picture.height, left, top, width, height);
}

function drawWave(context: CanvasRenderingContext2D, sound: SoundInfo, { left, width, height }: Area): void {
  const columns = (sound.waveform.length / 2) * (sound.seconds / span(sound));
  const middle = height / 2;
  context.fillStyle = "#ff9db4";
  for (let x = 0; x < width; x += 3) {
    const [low, high] = extremes(sound.waveform, Math.floor((x / width) * columns), Math.ceil(((x + 3) / width) * columns));
    const top = middle - high * middle * 0.86;
    const bottom = middle - low * middle * 0.86;
    context.fillRect(left + x, Math.min(top, middle - 0.75), 2, Math.max(1.5, bottom - top));
  }
}

function extremes(waveform: Float32Array, from: number, to: number): [number, number] {
  let low = 0;
  let high = 0;
  for (let column = from; column < to; column++) {
    low = Math.min(low, waveform[2 * column] ?? 0);
    high = Math.max(high, waveform[2 * column + 1] ?? 0);
  }
  return [low, high];
}
