/// <reference lib="esnext.disposable" preserve="true" />
/** An answer in progress: an async iterable of text deltas, and a promise of the whole. */

import type { AnswerResult, TextDelta } from "./types.js";

export class Answer implements AsyncIterable<TextDelta>, AsyncDisposable {
  /** The finished answer. Rejects if asking fails or is aborted. */
  readonly result: Promise<AnswerResult>;
  readonly #stop = new AbortController();
  #deltas: TextDelta[] = [];
  #ended = false;
  #wake: (() => void)[] = [];

  /** Starts at once. Deltas are stored: iterating later or twice loses nothing. */
  constructor(start: (onDelta: (delta: TextDelta) => void, cancelled: AbortSignal) => Promise<AnswerResult>) {
    this.result = start((delta) => {
      this.#deltas.push(delta);
      this.#notify();
    }, this.#stop.signal);
    const end = () => {
      this.#ended = true;
      this.#notify();
    };
    this.result.then(end, end);
  }

  /** Leaving the loop early cancels the answer. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TextDelta> {
    let next = 0;
    try {
      for (; ; next++) {
        while (next >= this.#deltas.length && !this.#ended) await new Promise<void>((wake) => this.#wake.push(wake));
        const delta = this.#deltas[next];
        if (delta === undefined) break;
        yield delta;
      }
    } finally {
      this.cancel(); // does nothing to a finished answer
    }
    await this.result;
  }

  /** Stops generating. `result` rejects with `Aborted`, unless the answer is finished. */
  cancel(): void {
    if (!this.#ended) this.#stop.abort(new DOMException("the answer was cancelled", "AbortError"));
  }

  /** Cancels the answer. Resolves once the engine has stopped. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
    await this.result.catch(() => undefined);
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
