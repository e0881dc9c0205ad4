/** Progress of an import. The load that follows takes the rest of the fraction. */

import { Rate } from "../progress.js";
import type { Progress } from "../types.js";

/** Share of a load that its import takes. */
const IMPORT_SHARE = 0.9;

/** Milliseconds between reports. */
const REPORT_MS = 100;

export class ImportMeter {
  #network = 0;
  #done: number | undefined;
  /** Bytes that an earlier visit had packed. */
  #cached = 0;
  #reportedAt = -Infinity;
  readonly #rate = new Rate();

  constructor(private readonly report: (progress: Progress) => void) {}

  /** Bytes came over the network. */
  fetched(bytes: number): void {
    this.#network += bytes;
  }

  /** Bytes of the release packed so far, of `total`. */
  packed(done: number, total: number): void {
    const now = performance.now();
    if (this.#done === undefined) this.#cached = done;
    else this.#rate.add(done - this.#done, now);
    this.#done = done;
    if (done < total && now - this.#reportedAt < REPORT_MS) return;
    this.#reportedAt = now;
    const bytesPerSecond = this.#rate.perSecond(now);
    this.report({
      phase: "convert",
      fraction: (IMPORT_SHARE * done) / Math.max(1, total),
      loadedBytes: done,
      totalBytes: total,
      cachedBytes: this.#cached,
      networkBytes: this.#network,
      bytesPerSecond,
      secondsLeft: bytesPerSecond > 0 ? (total - done) / bytesPerSecond : undefined,
    });
  }
}
