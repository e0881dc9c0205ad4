/**
 * The importer's network: `fetch` with buffered bodies.
 *
 * A range of the form `bytes=a-b` needs no preflight. The hub redirects large files to a storage host; the token goes to the hub only,
 * because `fetch` drops `Authorization` when a redirect leaves the origin (Fetch standard; all browsers with WebGPU do).
 */

import { Aborted, NetworkFailed } from "../errors.js";
import { sleep } from "../retry.js";
import { STALL_MS } from "../stall.js";
import type { Network, NetworkAnswer, NetworkRequest } from "./module.js";

/** Bytes of a body held before it is read on. Ranges are shorter, so they arrive while others are packed. */
const BUFFER_BYTES = 32 * 2 ** 20;

export class HubNetwork implements Network {
  /** Why the import cannot go on. Everything in flight fails with it at once. */
  failure: Error | undefined;
  #probing: Promise<void> | undefined;
  /** An address of the hub that has answered. */
  #answered: string | undefined;
  /** Probes in a row that found the file unreadable. */
  #unreadable = 0;
  /** Fires with `failure`. */
  readonly #halt = new AbortController();
  readonly #inFlight = new Set<Transfer>();

  constructor(
    private readonly endpoint: string,
    private readonly signal: AbortSignal,
    private readonly fetched: (bytes: number) => void,
  ) {
    signal.addEventListener("abort", () => this.#stop(new Aborted()), { once: true });
    if (signal.aborted) this.#stop(new Aborted());
  }

  get(url: string, headers: [string, string][]): NetworkRequest {
    const transfer = new Transfer(url, headers, this.fetched, (error) => this.#examine(error, url, headers));
    transfer.answer().then(
      ({ status }) => {
        if (status >= 400) return;
        this.#unreadable = 0;
        if (!headers.some(([name]) => name === "range")) this.#answered = url;
      },
      () => undefined,
    );
    if (this.failure) transfer.cancel(this.failure);
    this.#inFlight.add(transfer);
    transfer.ended.finally(() => this.#inFlight.delete(transfer));
    return transfer;
  }

  pause(milliseconds: number): Promise<void> {
    return sleep(milliseconds, this.#halt.signal).catch(() => undefined);
  }

  /** The outcome of what uses this network; if it had to stop, the reason. */
  async explain<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.failure ?? error;
    }
  }

  #stop(failure: Error): void {
    this.failure ??= failure;
    this.#halt.abort();
    for (const transfer of this.#inFlight) transfer.cancel(this.failure);
  }

  /**
   * `fetch` says no more than "TypeError" if a host's CORS rules refuse a range, or if a storage host refuses a signature that has
   * expired. In the first case the same address answers without a range. The second is reported as the status 403 that it was: the
   * hub's client then asks for a new signature, and finds out if the whole network is down.
   */
  async #examine(error: unknown, url: string, headers: [string, string][]): Promise<NetworkAnswer | undefined> {
    if (!(error instanceof TypeError)) return undefined;
    if (headers.some(([name]) => name === "range")) {
      await (this.#probing ??= this.#probe(url, headers).finally(() => (this.#probing = undefined)));
    }
    const signed = new URL(url).origin !== new URL(this.endpoint).origin;
    return signed && !this.failure ? { status: 403, url, headers: [] } : undefined;
  }

  /** Stops the import if the hub answers but the file cannot be read, several times in a row. */
  async #probe(url: string, headers: [string, string][]): Promise<void> {
    const signal = AbortSignal.any([AbortSignal.timeout(STALL_MS), this.signal]);
    const others = headers.filter(([name]) => name !== "range");
    const ask = async (address: string, more: [string, string][] = []) => {
      const answer = await fetch(address, { headers: [...others, ...more], cache: "no-store", signal }).catch(() => undefined);
      void answer?.body?.cancel();
      return answer?.ok ? answer : undefined;
    };
    if (await ask(url, [["range", "bytes=0-0"]])) return; // the network failed, and works again
    const whole = await ask(url);
    const hub = whole ?? (this.#answered && (await ask(this.#answered)));
    if (!hub || ++this.#unreadable < UNREADABLE) return;
    const what = whole ? `${new URL(whole.url).host} does not let web pages fetch parts of a file` : "the hub answers, but does not let web pages read its large files";
    this.#stop(new NetworkFailed(`${what}: ${REMEDY}`, { url }));
  }
}

/** Times in a row that a file must be unreadable while the hub answers. */
const UNREADABLE = 3;

const REMEDY = "run `af2 pull` on this machine and open the folder it writes, or download the original release and open its folder";

/** One request, read in the background. */
class Transfer implements NetworkRequest {
  /** Resolves once the request has ended, in whatever way. */
  readonly ended: Promise<void>;
  readonly #controller = new AbortController();
  readonly #answer: Promise<NetworkAnswer>;
  #chunks: Uint8Array[] = [];
  #held = 0;
  #state: "open" | "complete" | Error = "open";
  #wake = () => {};
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    url: string,
    headers: [string, string][],
    private readonly fetched: (bytes: number) => void,
    examine: (error: unknown) => Promise<NetworkAnswer | undefined>,
  ) {
    this.#alive();
    const response = fetch(url, { headers, cache: "no-store", signal: this.#controller.signal });
    this.#answer = response.then(answerOf, async (error: unknown) => {
      const instead = await examine(error);
      if (instead) return instead;
      throw this.#reason(error);
    });
    this.#answer.catch(() => undefined);
    this.ended = this.#read(response).catch((error: unknown) => this.#end(this.#reason(error)));
  }

  answer(): Promise<NetworkAnswer> {
    return this.#answer;
  }

  async chunk(): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0 && this.#state === "open") await this.#change();
    const chunk = this.#chunks.shift();
    if (chunk) {
      this.#held -= chunk.byteLength;
      this.#wake();
      return chunk;
    }
    if (this.#state instanceof Error) throw this.#state;
    return undefined;
  }

  cancel(reason: Error = new Aborted()): void {
    if (this.#state === "open") this.#end(reason);
    this.#chunks = [];
  }

  async #read(response: Promise<Response>): Promise<void> {
    const body = (await response).body?.getReader();
    for (;;) {
      const { done, value } = (await body?.read()) ?? { done: true, value: undefined };
      if (done || this.#state !== "open") break;
      this.#alive();
      this.fetched(value.byteLength);
      this.#chunks.push(value);
      this.#held += value.byteLength;
      this.#wake();
      while (this.#held > BUFFER_BYTES && this.#state === "open") {
        clearTimeout(this.#timer); // it is the reader that is slow
        await this.#change();
        this.#alive();
      }
    }
    this.#end("complete");
  }

  #end(state: "complete" | Error): void {
    if (this.#state === "open") this.#state = state;
    clearTimeout(this.#timer);
    this.#controller.abort();
    this.#wake();
  }

  /** Resolves at the next change. One side waits at a time: the reader for bytes, or the network for room. */
  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #alive(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(new Error("the connection stalled")), STALL_MS);
  }

  /** The reason why this side ended the request, or else the error that `fetch` threw. */
  #reason(error: unknown): Error {
    if (this.#state instanceof Error) return this.#state;
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** The length of a whole file is left out: where the body was compressed on its way, it is another one. */
function answerOf({ status, url, headers }: Response): NetworkAnswer {
  return { status, url, headers: [...headers].filter(([name]) => status === 206 || name !== "content-length") };
}
