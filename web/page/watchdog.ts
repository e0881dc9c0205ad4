/** Tells once when nothing was heard for too long. */

export class Watchdog {
  /** Seconds after which people should know that nothing comes. */
  static readonly PATIENCE = 60;
  readonly #milliseconds: number;
  readonly #silent: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(seconds: number, signal: AbortSignal, silent: () => void) {
    this.#milliseconds = 1000 * seconds;
    this.#silent = silent;
    this.alive();
    signal.addEventListener("abort", () => this.stop(), { once: true });
  }

  /** Something was heard: waits anew. */
  alive(): void {
    this.stop();
    this.#timer = setTimeout(this.#silent, this.#milliseconds);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
