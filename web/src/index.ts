/**
 * Audio Flamingo 2 in the browser: ask questions about sounds, on the visitor's own machine.
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
  /** Engine, adapter, limits, storage and what a load would fetch; downloads no weights. */
  check,
  /** Fetches, verifies and caches a model, and hands it to the engine. */
  load: loadModel,
  /** Duration, waveform and log-mel picture of a sound; needs no model. */
  preview,
  /** The models kept in this browser. */
  cache: cacheManager,
} as const;

