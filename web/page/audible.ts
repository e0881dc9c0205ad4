/** Leaves silence out of what an answer rests on: a model sometimes points to it, and people would listen to nothing. */

import type { Relevance, SoundInfo } from "audio-flamingo-2-webgpu";

/** Of the loudest sample: 55 dB below it. The waveform is drawn as a flat line there, and nobody hears it beside the rest. */
const QUIET = 10 ** (-55 / 20);

export function audible(relevance: Relevance, sound: SoundInfo): Relevance {
  const { curve, intervals, secondsPerStep } = relevance;
  const heard = hearing(sound);
  return {
    ...relevance,
    curve: curve.map((value, step) => (heard(step * secondsPerStep, (step + 1) * secondsPerStep) ? value : 0)),
    intervals: intervals.flatMap(({ start, end, weight }) => {
      const part = heard(start, end);
      return part ? [{ ...part, weight }] : [];
    }),
  };
}

/** Gives of a stretch, in seconds, the part from its first to its last second with anything to hear; undefined if there is none. */
function hearing({ waveform, windows, windowSeconds }: SoundInfo) {
  const columns = waveform.length / 2;
  const seconds = (windows * windowSeconds) / columns;
  const peak = (column: number) => Math.max(-(waveform[2 * column] ?? 0), waveform[2 * column + 1] ?? 0);
  const least = QUIET * waveform.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return (start: number, end: number): { start: number; end: number } | undefined => {
    let [first, last] = [Math.floor(start / seconds), Math.min(columns, Math.ceil(end / seconds))];
    while (first < last && peak(first) <= least) first++;
    while (last > first && peak(last - 1) <= least) last--;
    if (first === last) return undefined;
    return { start: Math.max(start, first * seconds), end: Math.min(end, last * seconds) };
  };
}
