/** Draws a sound: waveform above, log-mel spectrogram below, a line at the start of each 10 s window. */

import type { SoundInfo } from "audio-flamingo-2-webgpu";

/** From silence to the loudest band. */
const COLOURS: [number, number, number, number][] = [
  [0, 21, 12, 29],
  [0.25, 66, 18, 82],
  [0.5, 158, 31, 102],
  [0.7, 233, 78, 92],
  [0.87, 255, 164, 122],
  [1, 255, 244, 222],
];

/** Share of the height that the waveform takes. */
const WAVE_SHARE = 0.27;

export class Spectrogram {
  readonly #canvas: HTMLCanvasElement;
  #sound: SoundInfo | undefined;
  #picture: ImageBitmap | undefined;
  #position = 0;
  #encoded = Infinity;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#draw()).observe(canvas);
  }

  async show(sound: SoundInfo): Promise<void> {
    this.#sound = sound;
    this.#picture = await createImageBitmap(shade(sound));
    this.#position = 0;
    this.#draw();
  }

  /** Playback position as a share of the whole span. */
  set position(share: number) {
    this.#position = share;
    this.#draw();
  }

  /** Number of encoded windows. Later ones are darkened. */
  set encoded(windows: number) {
    this.#encoded = windows;
    this.#draw();
  }

  #draw(): void {
    const context = this.#canvas.getContext("2d");
    const sound = this.#sound;
    if (!context || !sound || !this.#picture) return;
    const { width, height } = fit(this.#canvas);
    const waveHeight = height * WAVE_SHARE;
    context.clearRect(0, 0, width, height);
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#picture, 0, waveHeight, width, height - waveHeight);
    drawWave(context, sound.waveform, width, waveHeight);
    drawWindows(context, sound, width, height);
    this.#veil(context, sound, width, height);
    context.fillStyle = "#ffffffd0";
    if (this.#position > 0) context.fillRect(this.#position * width - 1, 0, 2, height);
  }

  #veil(context: CanvasRenderingContext2D, sound: SoundInfo, width: number, height: number): void {
    const start = (Math.min(this.#encoded, sound.windows) / sound.windows) * width;
    context.fillStyle = "#150c1d9c";
    context.fillRect(start, 0, width - start, height);
  }
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

function shade({ picture }: SoundInfo): ImageData {
  const { width, height, data } = picture;
  const image = new ImageData(width, height);
  const palette = Array.from({ length: 256 }, (_, level) => colour(level / 255));
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [red, green, blue] = palette[data[(height - 1 - row) * width + column] ?? 0] ?? [0, 0, 0];
      image.data.set([red, green, blue, 255], 4 * (row * width + column));
    }
  }
  return image;
}

function colour(level: number): [number, number, number] {
  const next = Math.max(1, COLOURS.findIndex(([at]) => at >= level));
  const [from, ...a] = COLOURS[next - 1] ?? [0, 0, 0, 0];
  const [to, ...b] = COLOURS[next] ?? [1, 0, 0, 0];
  const share = (level - from) / (to - from);
  const mix = (channel: 0 | 1 | 2) => Math.round((a[channel] ?? 0) + share * ((b[channel] ?? 0) - (a[channel] ?? 0)));
  return [mix(0), mix(1), mix(2)];
}

function drawWave(context: CanvasRenderingContext2D, waveform: Float32Array, width: number, height: number): void {
  const columns = waveform.length / 2;
  const middle = height / 2;
  context.fillStyle = "#ff9db4";
  for (let x = 0; x < width; x += 3) {
    const [low, high] = extremes(waveform, Math.floor((x / width) * columns), Math.ceil(((x + 3) / width) * columns));
    const top = middle - high * middle * 0.86;
    const bottom = middle - low * middle * 0.86;
    context.fillRect(x, Math.min(top, middle - 0.75), 2, Math.max(1.5, bottom - top));
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

function drawWindows(context: CanvasRenderingContext2D, sound: SoundInfo, width: number, height: number): void {
  context.font = "500 11px 'Figtree Variable', system-ui, sans-serif";
  const every = Math.ceil((48 * sound.windows) / width);
  for (let window = 0; window < sound.windows; window++) {
    const x = (window / sound.windows) * width;
    context.fillStyle = "#ffffff3d";
    if (window > 0) context.fillRect(x, 0, 1, height);
    context.fillStyle = "#ffffffb8";
    if (window % every === 0) context.fillText(clock(window * sound.windowSeconds), x + 8, height - 9);
  }
}

function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, "0")}`;
}
