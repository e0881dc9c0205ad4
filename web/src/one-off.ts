/** Calls that need no model. Each opens a connection and closes it afterwards. */

import { decodeInBrowser, toMessage } from "./audio.js";
import { Connection } from "./client.js";
import { UnsupportedAudio } from "./errors.js";
import type { AudioMessage } from "./protocol.js";
import type { AudioSource, CheckReport, EngineChoice, SoundInfo } from "./types.js";

/** Runs `work` on a connection that is closed afterwards. */
export async function withConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.open();
  try {
    return await work(connection);
  } finally {
    connection.close();
  }
}

/** Reports what this browser can do, and what a load of `model` would fetch. */
export function check(model?: string | URL, options: { engine?: EngineChoice; signal?: AbortSignal } = {}): Promise<CheckReport> {
  const url = model === undefined ? undefined : new URL(model, location.href).href;
  const { engine = "auto", signal } = options;
  return withConnection((connection) => connection.call("check", { url, engine }, { signal }));
}

/** Decodes a sound: duration, waveform and log-mel spectrogram. */
export function preview(source: AudioSource, options: { maxWindows?: number; signal?: AbortSignal } = {}): Promise<SoundInfo> {
  const { maxWindows, signal } = options;
  return withConnection(async (connection) => {
    const send = (audio: AudioMessage) => connection.call("preview", { audio, maxWindows }, { signal });
    return withBrowserDecoder(await toMessage(source, signal), send);
  });
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
