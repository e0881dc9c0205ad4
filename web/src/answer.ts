/** An answer in progress: an async iterable of text deltas, and a promise of the whole. */

import type { AnswerResult, TextDelta } from "./types.js";

export class Answer implements AsyncIterable<TextDelta> {
  /** The finished answer. Rejects if asking fails or is aborted. */
  readonly result: Promise<AnswerResult>;
  #deltas: TextDelta[] = [];
  #ended = false;
  #wake: (() => void)[] = [];

  /** Starts at once. Deltas are stored: iterating later or twice loses nothing. */
  constructor(start: (onDelta: (delta: TextDelta) => void) => Promise<AnswerResult>) {
    this.result = start((delta) => {
      this.#deltas.push(delta);
      this.#notify();
    });
    const end = () => {
      this.#ended = true;
      this.#notify();
    };
    this.result.then(end, end);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TextDelta> {
    for (let next = 0; ; next++) {
      while (next >= this.#deltas.length && !this.#ended) await new Promise<void>((wake) => this.#wake.push(wake));
      const delta = this.#deltas[next];
      if (delta === undefined) break;
      yield delta;
    }
    await this.result;
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
