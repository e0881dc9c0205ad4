/** Colours of the spectrogram. */

import type { Picture } from "audio-flamingo-2-webgpu";

/** From silence to the loudest band. */
const COLOURS: [number, number, number, number][] = [
  [0, 21, 12, 29],
  [0.25, 66, 18, 82],
  [0.5, 158, 31, 102],
  [0.7, 233, 78, 92],
  [0.87, 255, 164, 122],
  [1, 255, 244, 222],
];

/** The picture in colours, the lowest band at the bottom. */
export function shade({ width, height, data }: Picture): ImageData {
  const image = new ImageData(width, height);
  // Levels are relative to the loudest: a picture of one level is that of digital silence.
  const silent = data.every((level) => level === data[0]);
  const palette = Array.from({ length: 256 }, (_, level) => colour(silent ? 0 : level / 255));
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
