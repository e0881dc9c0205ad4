/** The page's side of live listening: the newest seconds of a stream are asked about, again and again. */

import type { Engine } from "./clip.js";
import { BadRequest } from "./errors.js";
import { guarded } from "./guard.js";
import { checkQuestion, checkSeconds } from "./options.js";
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
  const { question, every = 5 } = options;
  const left = new AbortController();
  const signal = either(engine.stopped, options.signal, left.signal);
  const recording = await guarded(async () => {
    signal.throwIfAborted();
    check(stream, question, every);
    return Recording.start(stream, setting.windowSeconds, captureScript(setting.workerUrl));
  }, signal);
  try {
    for (let next = every; await recording.reached(next, signal); next = Math.max(next + every, recording.seconds)) {
      const time = recording.seconds;
      const pcm = recording.last();
      const transfer = pcm.channels.map(({ buffer }) => buffer as ArrayBuffer);
      const ask = async () => (await engine.connect()).call("glance", { pcm, question }, { signal, transfer });
      yield { time, ...(await guarded(ask, signal)) };
    }
    await guarded(() => signal.throwIfAborted(), signal);
  } finally {
    left.abort();
    recording.stop();
  }
}

function check(stream: unknown, question: unknown, every: unknown): void {
  const audio = stream instanceof MediaStream && stream.getAudioTracks().length > 0;
  if (!audio) throw new BadRequest("live listening needs a MediaStream with an audio track, as `navigator.mediaDevices.getUserMedia` gives it");
  if (question !== undefined) checkQuestion(question);
  checkSeconds("every", every);
}

function captureScript(workerUrl: URL | undefined): URL {
  return workerUrl ? new URL("capture.js", workerUrl) : new URL("./capture.js", import.meta.url);
}
