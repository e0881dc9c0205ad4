/** Samples as a WAV file, which the engine reads by ranges like any other. */

import type { Pcm } from "./types.js";

const HEADER = 44;
const FLOAT = 3;

/** 32-bit float, so that no sample is rounded. */
export function wavFile({ sampleRate, channels }: Pcm): Blob {
  const frames = channels[0]?.length ?? 0;
  const bytes = 4 * frames * channels.length;
  const header = new DataView(new ArrayBuffer(HEADER));
  const text = (at: number, value: string) => [...value].forEach((letter, index) => header.setUint8(at + index, letter.charCodeAt(0)));
  text(0, "RIFF");
  header.setUint32(4, HEADER - 8 + bytes, true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, FLOAT, true);
  header.setUint16(22, channels.length, true);
  header.setUint32(24, sampleRate, true);
  header.setUint32(28, 4 * sampleRate * channels.length, true);
  header.setUint16(32, 4 * channels.length, true);
  header.setUint16(34, 32, true);
  text(36, "data");
  header.setUint32(40, bytes, true);
  return new Blob([header, ...interleaved(channels, frames)]);
}

/** Frames per block: little is held twice. */
const BLOCK = 1 << 16;

function* interleaved(channels: Float32Array[], frames: number): Generator<Float32Array<ArrayBuffer>> {
  for (let start = 0; start < frames; start += BLOCK) {
    const block = new Float32Array(channels.length * Math.min(BLOCK, frames - start));
    channels.forEach((channel, index) => {
      for (let at = index, frame = start; at < block.length; at += channels.length, frame++) block[at] = channel[frame] ?? 0;
    });
    yield block;
  }
}
