/** How long a load goes on without a byte. */

/** Milliseconds granted to a server that has not answered yet: a wrong address is found soon. */
const FIRST_ANSWER_MS = 5_000;

export class Patience {
  #answered = false;

  /** `retryFor` is the limit in milliseconds once the server has answered. */
  constructor(private readonly retryFor = FIRST_ANSWER_MS) {}

  /** The server has sent what was asked for. */
  answered(): void {
    this.#answered = true;
  }

  /** Milliseconds without a byte after which to give up. */
  get limit(): number {
    return this.#answered ? this.retryFor : Math.min(this.retryFor, FIRST_ANSWER_MS);
  }
}
