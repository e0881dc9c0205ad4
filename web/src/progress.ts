/** Progress of a load: one monotone fraction over download, verification, upload and compilation. */

import type { Phase, Progress } from "./types.js";
import type { Tally } from "./download.js";

/** Share of the total that compiling takes. */
const COMPILE_SHARE = 0.04;

/** Milliseconds between reports within one phase. */
const REPORT_MS = 80;

/** Seconds over which the rate is averaged. */
const RATE_SECONDS = 3;

/** Network bytes of the last seconds. */
export class Rate {
  #samples: { at: number; bytes: number }[] = [];

  add(bytes: number, now: number): void {
    this.#samples.push({ at: now, bytes });
    while (this.#samples.length > 1 && (this.#samples[0]?.at ?? now) < now - RATE_SECONDS * 1000) this.#samples.shift();
  }

  perSecond(now: number): number {
    const first = this.#samples[0];
    if (!first || now - first.at > 2 * RATE_SECONDS * 1000) return 0;
    const bytes = this.#samples.reduce((sum, sample) => sum + sample.bytes, 0);
    return bytes / Math.max(0.25, (now - first.at) / 1000);
  }
}

export class ProgressMeter implements Tally {
  #phase: Phase = "download";
  #atHand = 0;
  #cached = 0;
  #network = 0;
  #uploaded = 0;
  #compiled = 0;
  #best = { fraction: 0, loadedBytes: 0 };
  #notice: string | undefined;
  #rate = new Rate();
  #reportedAt = -Infinity;

  constructor(
    private readonly totalBytes: number,
    private readonly report: (progress: Progress) => void,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  resumed(bytes: number): void {
    this.#cached += bytes;
    this.#atHand += bytes;
    if (bytes > 0) this.#emit("verify");
  }

  fetched(bytes: number): void {
    this.#network += bytes;
    this.#atHand += bytes;
    this.#rate.add(bytes, this.clock());
    this.#emit("download");
  }

  lost(bytes: number): void {
    this.#atHand -= bytes;
  }

  /** A verified shard was in the cache. */
  found(bytes: number): void {
    this.#cached += bytes;
    this.#atHand += bytes;
    this.#emit("upload");
  }

  uploaded(bytes: number): void {
    this.#uploaded += bytes;
    this.#emit(this.#atHand < this.totalBytes ? this.#phase : "upload");
  }

  compiling(): void {
    this.#emit("compile");
  }

  ready(): void {
    this.#compiled = 1;
    this.#emit("ready");
  }

  /** A message for the user, reported at once. */
  notice(text: string): void {
    this.#notice = text;
    this.#reportedAt = -Infinity;
    this.#emit(this.#phase);
  }

  #emit(phase: Phase): void {
    const now = this.clock();
    if (phase === this.#phase && now - this.#reportedAt < REPORT_MS) return;
    this.#phase = phase;
    this.#reportedAt = now;
    this.report(this.#snapshot(now));
    this.#notice = undefined;
  }

  #snapshot(now: number): Progress {
    const total = Math.max(1, this.totalBytes);
    const work = (this.#atHand + this.#uploaded) / (2 * total);
    const fraction = Math.min(1, work * (1 - COMPILE_SHARE) + this.#compiled * COMPILE_SHARE);
    this.#best.fraction = Math.max(this.#best.fraction, fraction);
    this.#best.loadedBytes = Math.max(this.#best.loadedBytes, this.#atHand);
    const bytesPerSecond = this.#phase === "download" ? this.#rate.perSecond(now) : 0;
    const missing = this.totalBytes - this.#atHand;
    return {
      phase: this.#phase,
      ...this.#best,
      totalBytes: this.totalBytes,
      cachedBytes: this.#cached,
      networkBytes: this.#network,
      bytesPerSecond,
      secondsLeft: bytesPerSecond > 0 ? missing / bytesPerSecond : undefined,
      ...(this.#notice === undefined ? {} : { notice: this.#notice }),
    };
  }
}
