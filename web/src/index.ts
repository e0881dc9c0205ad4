/**
 * Audio Flamingo 2 in the browser: answers questions about audio on the visitor's own machine.
 *
 * ```ts
 * const model = await AudioFlamingo.load("/models/audio-flamingo-2/");
 * const clip = await model.listen(file);
 * for await (const delta of clip.ask("What is happening?")) print(delta.text);
 * ```
 */

import { guarded } from "./guard.js";
import { loadModel } from "./model.js";
import { check, preview } from "./one-off.js";
import { cacheManager } from "./storage.js";
import type { Caption, CaptionFormat } from "./types-long.js";

export * from "./errors.js";
export type * from "./types.js";
export type * from "./types-long.js";
export { Answer, type Answers } from "./answer.js";
export { Clip } from "./clip.js";
export { Model } from "./model.js";

/** Captions as a file: subtitles (`srt`, `vtt`), a table, data or labels. The entry `/captions` has the same without a promise. */
export function formatCaptions(captions: Caption[], format: CaptionFormat): Promise<string> {
  return guarded(async () => (await import("./captions.js")).formatCaptions(captions, format));
}

export const AudioFlamingo = {
  /** Reports engine, adapter, limits, storage and what a load would fetch. Downloads no weights. */
  check,
  /** Fetches, verifies and caches a model, and loads it into the engine. */
  load: loadModel,
  /** Decodes audio: duration, waveform and log-mel spectrogram. Needs no model. */
  preview,
  /** The models cached in this browser. */
  cache: cacheManager,
} as const;
