/**
 * How long subtitles stay on the screen, as `af2 captions` computes it: durations and gaps of the Netflix Timed Text Style Guide. A long,
 * steady sound is shown when it begins, and not again while it goes on.
 */

import type { Caption } from "./types-long.js";

/** Seconds on the screen, at least and at most. */
const SHORTEST = 5 / 6;
const LONGEST = 7;
/** Shortest gap between two subtitles in seconds: two frames at 24 per second. */
const SHORTEST_GAP = 2 / 24;
/** A gap below this is closed to the shortest. */
const CLOSED_GAP = 0.5;
/** What a subtitle between two others is given if there is no room at all. */
const LEAST = 0.001;

/** The captions with their times on the screen. */
export function onScreen(captions: Caption[]): Caption[] {
  let before: number | undefined;
  return captions.map((caption, index) => {
    const shown = shownUntil(caption, captions[index + 1]?.start ?? Infinity, before);
    before = shown.end;
    return shown;
  });
}

/** `next` is the start of the next caption, `before` the end of the one before. */
function shownUntil(caption: Caption, next: number, before: number | undefined): Caption {
  let { start, end } = caption;
  const latest = Math.min(Math.max(next - SHORTEST_GAP, start + LEAST), start + LONGEST);
  end = Math.min(Math.max(end, start), Math.max(latest, start));
  if (end - start < SHORTEST) {
    end = Math.min(start + SHORTEST, latest);
    const earliest = Math.min(before === undefined ? 0 : before + SHORTEST_GAP, start);
    start = Math.min(Math.max(end - SHORTEST, earliest), start);
  }
  if (next - end < CLOSED_GAP) end = Math.max(latest, end);
  return { ...caption, start, end };
}
