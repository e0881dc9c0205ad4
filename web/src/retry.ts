/** Retries: which failures are transient, and how long to wait. */

import { Aborted } from "./errors.js";

/** A download fails after this many attempts in a row without a byte. */
export const IDLE_ATTEMPTS = 5;

/** A download fails after this many wrong hashes. */
export const INTEGRITY_ATTEMPTS = 3;

/** A request is aborted after this many milliseconds without a byte. */
export const STALL_MS = 30_000;

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;

/** Milliseconds to wait: exponential back-off with jitter, or the server's Retry-After (at most a minute) if it is longer. */
export function waitBefore(attempt: number, retryAfterSeconds = 0): number {
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt) * (0.75 + Math.random() / 2);
  return Math.max(wait, Math.min(60, retryAfterSeconds) * 1000);
}

/** Whether another attempt may get another status. */
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
