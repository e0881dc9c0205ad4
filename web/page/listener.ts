/** Lets the model hear the chosen sound as soon as both are there. */

import type { Clip, Model } from "audio-flamingo-2-webgpu";
import { banner } from "./banner.js";
import { type PageEvents, on, tell } from "./events.js";
import { duration, message } from "./format.js";
import { showHeard, showListening } from "./sound-panel.js";

let model: Model | undefined;
let sound: PageEvents["sound"] | undefined;
let clip: Clip | undefined;
let running = new AbortController();

export function startListener(): void {
  on("model", (loaded) => {
    model = loaded;
    clip = undefined;
    void hear();
  });
  on("sound", (chosen) => {
    sound = chosen;
    void hear();
  });
}

async function hear(): Promise<void> {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  await clip?.dispose().catch(() => undefined);
  clip = undefined;
  tell("clip", undefined);
  if (!sound) return;
  showHeard(model ? 0 : Infinity, Infinity);
  showListening(model ? "Listening…" : "Waiting for the model…");
  if (!model) return;
  try {
    const heard = await model.listen(sound.blob, { signal, onProgress: (done, windows) => showHeard(done, windows) });
    clip = heard;
    showHeard(heard.info.windows, heard.info.windows);
    showListening(`Heard in ${duration(heard.info.encodeMs / 1000)}. Further questions need no second listening.`);
    tell("clip", heard);
  } catch (error) {
    if (!signal.aborted) banner(message(error));
  }
}
