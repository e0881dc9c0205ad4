/** The page's side of captions. */

import { decodeInBrowser, toMessage } from "./audio.js";
import type { Engine } from "./clip.js";
import { UnsupportedAudio } from "./errors.js";
import { eventsOf } from "./events.js";
import { guarded } from "./guard.js";
import { checkChannel, checkProbability, checkQuestion, checkSeconds } from "./options.js";
import type { AudioMessage, CaptionEvent, FileMessage } from "./protocol.js";
import { either } from "./signals.js";
import type { Caption, CaptionOptions } from "./types-long.js";
import type { AudioSource } from "./types.js";
import { wavFile } from "./wav.js";

export async function* captions(engine: Engine, source: AudioSource, options: CaptionOptions): AsyncGenerator<Caption> {
  const { question, hop, minConfidence = 0.5, channel, onProgress } = options;
  const signal = either(engine.stopped, options.signal);
  const file = await guarded(async () => {
    signal.throwIfAborted();
    if (question !== undefined) checkQuestion(question);
    checkSeconds("hop", hop);
    checkProbability("minConfidence", minConfidence);
    checkChannel(channel);
    return asFile(await toMessage(source, signal));
  }, signal);
  const start = (audio: FileMessage) =>
    eventsOf<CaptionEvent>((onEvent, left) => {
      const any = either(signal, left);
      return guarded(async () => (await engine.connect()).call("captions", { audio, question, hop, minConfidence, channel }, { signal: any, onEvent }), any);
    });
  for await (const { captions, seconds, duration } of decodable(file, start)) {
    onProgress?.(seconds, duration);
    yield* captions;
  }
}

export function asFile(message: AudioMessage): FileMessage {
  return "blob" in message ? message : { blob: wavFile(message.pcm), name: "audio" };
}

/** Tries the engine's decoders first, then the browser's. */
async function* decodable<T>(file: FileMessage, start: (file: FileMessage) => AsyncIterable<T>): AsyncGenerator<T> {
  let begun = false;
  try {
    for await (const event of start(file)) {
      begun = true;
      yield event;
    }
  } catch (error) {
    if (begun || !(error instanceof UnsupportedAudio)) throw error;
    const decoded = await decodeInBrowser(file);
    if (decoded === undefined) throw error;
    yield* start(asFile(decoded));
  }
}
