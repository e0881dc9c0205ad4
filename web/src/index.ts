/**
 * Audio Flamingo 2 in the browser: answers questions about audio on the visitor's own machine.
 *
 * ```ts
 * const model = await AudioFlamingo.load("/models/audio-flamingo-2/");
 * const clip = await model.listen(file);
 * for await (const delta of clip.ask("What is happening?")) print(delta.text);
 * ```
 */

import { loadModel } from "./model.js";
import { check, preview } from "./one-off.js";
import { cacheManager } from "./storage.js";

export * from "./errors.js";
export type * from "./types.js";
export { Answer } from "./answer.js";
export { Clip } from "./clip.js";
export { Model } from "./model.js";

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
