/** Converts an `AudioSource` into a message for the worker. The browser's decoder is the fallback. */

import { address } from "./address.js";
import { BadRequest, NetworkFailed } from "./errors.js";
import type { AudioMessage } from "./protocol.js";
import type { AudioSource, Pcm } from "./types.js";

/** Sample rate of the browser's decoder, in Hz: that of Opus, the codec of recordings. */
const BROWSER_RATE = 48_000;

export async function toMessage(source: AudioSource, signal?: AbortSignal): Promise<AudioMessage> {
  if (typeof source === "string" || source instanceof URL) return fetchAudio(address(source), signal);
  if (source instanceof Blob) return { blob: source, name: nameOf(source) };
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) return { blob: new Blob([source as BlobPart]), name: "audio" };
  if (typeof AudioBuffer !== "undefined" && source instanceof AudioBuffer) return { pcm: fromAudioBuffer(source), decodedBy: "caller" };
  return { pcm: checked(source as Pcm), decodedBy: "caller" };
}

/** The same audio decoded by the browser, for formats that the engine cannot decode. Undefined if the browser fails too. */
export async function decodeInBrowser(message: AudioMessage): Promise<AudioMessage | undefined> {
  if (!("blob" in message) || typeof OfflineAudioContext === "undefined") return undefined;
  const context = new OfflineAudioContext(1, 1, BROWSER_RATE);
  const bytes = await message.blob.arrayBuffer();
  const buffer = await context.decodeAudioData(bytes).catch(() => undefined);
  return buffer && { pcm: fromAudioBuffer(buffer), decodedBy: "browser" };
}

/** A file name ending in ".mp3" selects a loading rule, so a nameless recording gets its extension from its type. */
function nameOf(blob: Blob): string {
  if (blob instanceof File) return blob.name;
  return blob.type === "audio/mpeg" ? "audio.mp3" : "audio";
}

async function fetchAudio(url: URL, signal?: AbortSignal): Promise<AudioMessage> {
  const name = lastSegment(url);
  const failed = (error: unknown): never => {
    signal?.throwIfAborted();
    throw Object.assign(new NetworkFailed(`${name} could not be fetched: ${String(error)}`, { url: url.href }), { cause: error });
  };
  const response = await fetch(url, signal ? { signal } : {}).catch(failed);
  if (!response.ok) throw new NetworkFailed(`${name}: the server answered ${response.status}`, { url: url.href, status: response.status });
  return { blob: await response.blob().catch(failed), name };
}

/** The file's name, as it is where it is not percent-encoded: `100%.wav`. */
function lastSegment(url: URL): string {
  const segment = url.pathname.split("/").at(-1) || "audio";
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function fromAudioBuffer(buffer: AudioBuffer): Pcm {
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, channel) => buffer.getChannelData(channel));
  return { sampleRate: buffer.sampleRate, channels };
}

function checked(pcm: Pcm): Pcm {
  const fine = pcm?.channels?.length > 0 && pcm.channels.every((channel) => channel instanceof Float32Array);
  if (!fine || !(pcm.sampleRate > 0)) throw new BadRequest("raw audio needs { sampleRate, channels: Float32Array[] } with at least one channel");
  return pcm;
}
