/** The clips that chat adapters used last, by content, so that a conversation about one sound encodes it once. */

import type { Clip } from "./clip.js";
import type { Model } from "./model.js";

/** Clips whose audio KV stays on the GPU for further questions. */
const CACHED_CLIPS = 4;

/** Audio of a request. */
export interface GivenAudio {
  bytes: Uint8Array<ArrayBuffer>;
  /** A file name's extension, or the second part of a media type; may be empty. */
  format: string;
}

/** A clip in use: it is not evicted until `release` is called. */
export interface Lease {
  clip: Clip;
  release(): void;
}

interface Entry {
  clip: Promise<Clip>;
  /** Answers in flight. */
  uses: number;
}

export class ClipCache {
  readonly #entries = new Map<string, Entry>();

  constructor(private readonly model: Model) {}

  async lease(audio: GivenAudio, signal?: AbortSignal): Promise<Lease> {
    const key = await keyOf(audio);
    const entry = this.#entries.get(key) ?? { clip: this.#encode(audio, signal), uses: 0 };
    this.#entries.delete(key); // and to the end: the map is in order of use
    this.#entries.set(key, entry);
    entry.uses += 1;
    const release = () => {
      entry.uses -= 1;
      this.#evict();
    };
    try {
      const clip = await entry.clip;
      this.#evict();
      return { clip, release };
    } catch (error) {
      entry.uses -= 1;
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      const others = (error as { code?: unknown }).code === "ABORTED" && signal?.aborted !== true; // another request was encoding it
      if (others) return this.lease(audio, signal);
      throw error;
    }
  }

  #encode({ bytes, format }: GivenAudio, signal?: AbortSignal): Promise<Clip> {
    return this.model.listen(new File([bytes], `audio.${extension(format)}`), signal ? { signal } : {});
  }

  /** Disposes of the clips that were used longest ago, but of none in use. */
  #evict(): void {
    for (const [key, { clip, uses }] of this.#entries) {
      if (this.#entries.size <= CACHED_CLIPS) return;
      if (uses > 0) continue;
      this.#entries.delete(key);
      void clip.then((old) => old.dispose()).catch(() => undefined);
    }
  }
}

async function keyOf({ bytes, format }: GivenAudio): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [extension(format) === "mp3", ...hash].join();
}

/** The original reads files whose name ends in `.mp3` by rules of their own; of other formats the bytes decide. */
function extension(format: string): string {
  const letters = format.toLowerCase().replace(/[^a-z0-9]/g, "");
  return letters === "mpeg" ? "mp3" : letters;
}
