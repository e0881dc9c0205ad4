/** Audio of a message, decoded to windows in wasm memory, and what is told of it. */

import type { AudioWindows, StartedEngine } from "./engine.js";
import type { AudioMessage } from "./protocol.js";
import type { ChannelChoice, SoundInfo } from "./types.js";

/** Columns of the waveform. */
const WAVEFORM_COLUMNS = 2048;

/** How audio is read. */
export interface DecodeOptions {
  maxWindows: number;
  channel: ChannelChoice | undefined;
  /** The model's config.json. */
  config?: string | undefined;
}

export async function decode(module: StartedEngine, audio: AudioMessage, { maxWindows, channel, config }: DecodeOptions): Promise<AudioWindows> {
  const choice = channelText(channel);
  if ("blob" in audio) return module.decodeAudio(new Uint8Array(await audio.blob.arrayBuffer()), audio.name, maxWindows, choice, config);
  const { channels, sampleRate } = audio.pcm;
  const length = channels[0]?.length ?? 0;
  const samples = new Float32Array(length * channels.length);
  channels.forEach((channel, index) => samples.set(channel.subarray(0, length), index * length));
  return module.audioFromPcm(samples, channels.length, sampleRate, maxWindows, choice, config);
}

/** A choice of channel as the engine reads it. */
export function channelText(channel: ChannelChoice | undefined): string | undefined {
  return channel === undefined ? undefined : String(channel);
}

/** After a panic the module still borrows the audio. Freeing it then fails, and must not hide the panic. */
export function release(audio: { free(): void }): void {
  try {
    audio.free();
  } catch {
    // the instance is unusable anyway
  }
}

export function soundInfo(windows: AudioWindows, audio: AudioMessage): SoundInfo {
  return {
    seconds: windows.seconds,
    windows: windows.count,
    windowSeconds: windows.windowSeconds,
    sourceRate: windows.sourceRate,
    truncated: windows.truncated,
    notices: windows.notices,
    decodedBy: "blob" in audio ? "engine" : audio.decodedBy,
    waveform: windows.waveform(WAVEFORM_COLUMNS),
    picture: { width: windows.pictureWidth, height: windows.pictureHeight, data: windows.picture() },
  };
}
