/** Encodes the chosen sound as soon as a model is loaded. */

import type { Clip, Model } from "audio-flamingo-2-webgpu";
import { banner } from "./banner.js";
import { type PageEvents, on, emit } from "./events.js";
import { duration, message } from "./format.js";
import { showEncoded, showListening } from "./sound-panel.js";

let model: Model | undefined;
let sound: PageEvents["sound"] | undefined;
let clip: Clip | undefined;
let running = new AbortController();

export function startListener(): void {
  on("model", (loaded) => {
    model = loaded;
    clip = undefined;
    void listen();
  });
  on("sound", (chosen) => {
    sound = chosen;
    void listen();
  });
}

async function listen(): Promise<void> {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  await clip?.dispose().catch(() => undefined);
  clip = undefined;
  emit("clip", undefined);
  if (!sound) return;
  showEncoded(model ? 0 : Infinity, Infinity);
  showListening(model ? "Listening…" : "Waiting for the model…");
  if (!model) return;
  try {
    const encoded = await model.listen(sound.blob, { signal, onProgress: (done, windows) => showEncoded(done, windows) });
    clip = encoded;
    showEncoded(encoded.info.windows, encoded.info.windows);
    showListening(`Heard in ${duration(encoded.info.encodeMs / 1000)}. Further questions need no second listening.`);
    emit("clip", encoded);
  } catch (error) {
    if (!signal.aborted) banner(message(error));
  }
}
