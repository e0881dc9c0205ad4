/** Calls that need no model. Each opens a connection and closes it afterwards. */

import { address } from "./address.js";
import { decodeInBrowser, toMessage } from "./audio.js";
import { Connection } from "./client.js";
import { UnsupportedAudio } from "./errors.js";
import { guarded } from "./guard.js";
import { hubOptions } from "./import/hub-options.js";
import { checkChannel, checkEngine, checkMaxWindows } from "./options.js";
import type { AudioMessage } from "./protocol.js";
import type { AssetOptions, AudioSource, ChannelChoice, CheckReport, EngineChoice, ImportOptions, SoundInfo } from "./types.js";

/** Runs `work` on a connection that is closed afterwards. */
export function withConnection<T>(work: (connection: Connection) => Promise<T>, { signal, ...assets }: OneOffOptions = {}): Promise<T> {
  return guarded(async () => {
    signal?.throwIfAborted();
    const connection = await Connection.open(true, assets);
    try {
      return await work(connection);
    } finally {
      connection.close();
    }
  }, signal);
}

export interface OneOffOptions extends AssetOptions {
  signal?: AbortSignal;
}

/** Reports what this browser can do, and what a load of `model` would fetch. */
export function check(model?: string | URL, options: OneOffOptions & ImportOptions & { engine?: EngineChoice } = {}): Promise<CheckReport> {
  const { engine = "auto", ...others } = options;
  return withConnection(async (connection) => {
    checkEngine(engine);
    const url = model === undefined ? undefined : address(model).href;
    return connection.call("check", { url, engine, hub: hubOptions(options) }, { signal: others.signal });
  }, others);
}

/** Decodes audio: duration, waveform and log-mel spectrogram. */
export function preview(source: AudioSource, options: OneOffOptions & { maxWindows?: number; channel?: ChannelChoice } = {}): Promise<SoundInfo> {
  const { maxWindows, channel, ...others } = options;
  const { signal } = others;
  return withConnection(async (connection) => {
    checkMaxWindows(maxWindows);
    checkChannel(channel);
    const send = (audio: AudioMessage) => connection.call("preview", { audio, maxWindows, channel }, { signal });
    return withBrowserDecoder(await toMessage(source, signal), send);
  }, others);
}

/** Tries the engine's decoders first, then the browser's. */
export async function withBrowserDecoder<T>(audio: AudioMessage, send: (audio: AudioMessage) => Promise<T>): Promise<T> {
  try {
    return await send(audio);
  } catch (error) {
    if (!(error instanceof UnsupportedAudio) || !("blob" in audio)) throw error;
    const decoded = await decodeInBrowser(audio);
    if (decoded === undefined) throw error;
    return send(decoded);
  }
}
