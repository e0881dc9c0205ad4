/**
 * Audio Flamingo 2 in the browser: ask questions about sounds, on the visitor's own GPU.
 *
 * ```ts
 * const model = await AudioFlamingo.load("/models/audio-flamingo-2/");
 * const clip = await model.listen(file);
 * for await (const piece of clip.ask("What is happening?")) print(piece.text);
 * ```
 */

import { loadModel } from "./model.js";
import { check, preview } from "./one-off.js";
import { cacheManager } from "./storage.js";

export * from "./errors.js";
export type * from "./types.js";
export { Answer } from "./answer.js";
export { Clip, Model } from "./model.js";

export const AudioFlamingo = {
  /** Adapter, limits, storage and what a load would fetch; downloads no weights. */
  check,
  /** Fetches, verifies, caches and uploads a model. */
  load: loadModel,
  /** Duration, waveform and log-mel picture of a sound; needs no model. */
  preview,
  /** The models kept in this browser. */
  cache: cacheManager,
} as const;

