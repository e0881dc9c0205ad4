/** Retries: which failures are transient, and how long to wait. */

import { Aborted, NetworkFailed, type WeightsCorrupt } from "./errors.js";
import type { Patience } from "./patience.js";
import type { StallWatch } from "./stall.js";

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;

/** Milliseconds granted to a server whose file has another length than the index: an upload may be going on. */
const REPLACED_MS = 3_000;

/** Longest Retry-After that is respected, in seconds. */
const LONGEST_RETRY_AFTER = 60;

/** A fault that another attempt may not meet. */
export class Transient extends Error {
  constructor(
    readonly reason: NetworkFailed | WeightsCorrupt,
    readonly retryAfterSeconds = 0,
  ) {
    super(reason.message);
  }
}

/**
 * Repeats `attempt` while it throws `Transient`, with exponential back-off. Gives up once `received`, in bytes, has reached no new
 * maximum for as long as `patience` says.
 */
export async function retrying<T>(attempt: () => Promise<T>, received: () => number, patience: Patience, signal: AbortSignal): Promise<T> {
  let most = received();
  let since = performance.now();
  for (let idle = 0; ; idle++) {
    try {
      const result = await attempt();
      patience.answered();
      return result;
    } catch (error) {
      if (!(error instanceof Transient)) throw error;
      if (received() > most) {
        [most, since, idle] = [received(), performance.now(), 0];
        patience.answered();
      }
      const limit = error.reason instanceof NetworkFailed ? patience.limit : Math.min(patience.limit, REPLACED_MS);
      const left = since + limit - performance.now();
      if (left <= 0) throw error.reason;
      await sleep(Math.min(left, waitBefore(idle, error.retryAfterSeconds)), signal);
    }
  }
}

/** Milliseconds to wait: exponential back-off with jitter, or the server's Retry-After if it is longer. */
function waitBefore(attempt: number, retryAfterSeconds: number): number {
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt) * (0.75 + Math.random() / 2);
  return Math.max(wait, Math.min(LONGEST_RETRY_AFTER, retryAfterSeconds) * 1000);
}

/** What a status other than 2xx means. Another attempt may get another status of some kinds. */
export function refusal({ status, headers }: Response, file: string, url: string): NetworkFailed | Transient {
  const failure = new NetworkFailed(`${file}: the server answered ${status} for ${url}`, { url, status });
  const transient = status === 408 || status === 425 || status === 429 || status >= 500;
  return transient ? new Transient(failure, Number(headers.get("Retry-After")) || 0) : failure;
}

/** What `fetch` or its reader threw. A TypeError is a broken connection: another attempt may succeed. */
export function broken(error: unknown, file: string, url: string, watch: StallWatch): unknown {
  if (!watch.stalled && !(error instanceof TypeError)) return error;
  const failure = new NetworkFailed(`${file} could not be fetched from ${url}: ${watch.stalled ? "the connection stalled" : String(error)}`, { url });
  failure.cause = error;
  return new Transient(failure);
}

/** Sleeps until the browser is online again, at most this long. Rejects if the signal fires first. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const options = { once: true, signal: done.signal };
    globalThis.addEventListener("online", () => resolve(), options);
    signal.addEventListener("abort", () => resolve(), options);
    done.signal.addEventListener("abort", () => clearTimeout(timer));
    if (signal.aborted) resolve();
  });
  done.abort();
  if (signal.aborted) throw new Aborted();
}
