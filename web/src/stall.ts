/** Ends requests that no longer send anything. */

/** A request is aborted after this many milliseconds without a byte. */
export const STALL_MS = 30_000;

/** Aborts a request that has stalled for `STALL_MS`, or that the caller aborts. */
export class StallWatch {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #follow = () => this.#controller.abort();
  #timer: ReturnType<typeof setTimeout> | undefined;
  stalled = false;

  constructor(outer: AbortSignal) {
    this.#outer = outer;
    if (outer.aborted) this.#controller.abort();
    outer.addEventListener("abort", this.#follow);
    this.alive();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  alive(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.stalled = true;
      this.#controller.abort();
    }, STALL_MS);
  }

  /** Stops watching, and ends a request whose body was not read to its end. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
    this.#outer.removeEventListener("abort", this.#follow);
  }
}
