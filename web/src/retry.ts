/** When to try again, and how long to wait before. */

import { Aborted } from "./errors.js";

/** Attempts in a row that may bring nothing before a download is given up. */
export const IDLE_ATTEMPTS = 5;

/** Times a shard with a wrong hash is fetched anew. */
export const INTEGRITY_ATTEMPTS = 3;

/** Milliseconds without a byte after which a connection counts as dead. */
export const STALL_MS = 30_000;

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;

/** Exponential back-off with jitter; a server's Retry-After wins when it is longer (up to a minute). */
export function waitBefore(attempt: number, retryAfterSeconds = 0): number {
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt) * (0.75 + Math.random() / 2);
  return Math.max(wait, Math.min(60, retryAfterSeconds) * 1000);
}

/** Whether a status may be different next time. */
export function isTransient(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** Sleeps unless the signal fires first. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new Aborted());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
