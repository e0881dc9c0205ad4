/** The page's side of live listening: the newest seconds of a stream are asked about, again and again. */

import type { Engine } from "./clip.js";
import { BadRequest } from "./errors.js";
import { guarded } from "./guard.js";
import { checkProbability, checkQuestion, checkSeconds } from "./options.js";
import { Recording } from "./recording.js";
import { either } from "./signals.js";
import type { LiveCaption, LiveOptions } from "./types-long.js";

/** What live listening needs to know of its model. */
export interface LiveSetting {
  /** Seconds that the model hears at a time. */
  windowSeconds: number;
  /** Address of the worker's script, if it is not beside this one: `capture.js` lies there too. */
  workerUrl: URL | undefined;
}

/** Ends with the stream. Nothing queues: after a slow answer the newest seconds are next. */
export async function* live(engine: Engine, stream: MediaStream, options: LiveOptions, setting: LiveSetting): AsyncGenerator<LiveCaption> {
  const { question, every = 5, minConfidence = question === undefined ? 0.5 : 0 } = options;
  const left = new AbortController();
  const signal = either(engine.stopped, options.signal, left.signal);
  const recording = await guarded(async () => {
    signal.throwIfAborted();
    check(stream, options);
    return Recording.start(stream, setting.windowSeconds, captureScript(setting.workerUrl));
  }, signal);
  try {
    let hurried = false; // nothing is asked back
    for (let next = every; await recording.reached(next, signal); next = Math.max(next + every, recording.seconds)) {
      const time = recording.seconds;
      const pcm = recording.last();
      const transfer = pcm.channels.map(({ buffer }) => buffer as ArrayBuffer);
      const least = hurried ? 0 : minConfidence;
      const ask = async () => (await engine.connect()).call("glance", { pcm, question, minConfidence: least }, { signal, transfer });
      const began = performance.now();
      const heard = await guarded(ask, signal);
      const seconds = (performance.now() - began) / 1000;
      hurried = seconds > (hurried ? every / 2 : every); // half: with a question back the next answer is in time, too
      yield { time, ...heard, askedBack: least > 0 && !heard.silent };
    }
    await guarded(() => signal.throwIfAborted(), signal);
  } finally {
    left.abort();
    recording.stop();
  }
}

function check(stream: unknown, { question, every, minConfidence = 0 }: LiveOptions): void {
  const audio = stream instanceof MediaStream && stream.getAudioTracks().length > 0;
  if (!audio) throw new BadRequest("live listening needs a MediaStream with an audio track, as `navigator.mediaDevices.getUserMedia` gives it");
  if (question !== undefined) checkQuestion(question);
  checkSeconds("every", every);
  checkProbability("minConfidence", minConfidence);
}

function captureScript(workerUrl: URL | undefined): URL {
  return workerUrl ? new URL("capture.js", workerUrl) : new URL("./capture.js", import.meta.url);
}
