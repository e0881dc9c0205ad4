/// <reference lib="esnext.disposable" preserve="true" />
/** An answer in progress: an async iterable of its parts, and a promise of the whole. */

import type { AnswerResult, TextDelta } from "./types.js";

/** Of several questions the parts are whole answers, in the order of the questions. */
export type Answers = Answer<AnswerResult, AnswerResult[]>;

export class Answer<Part = TextDelta, Whole = AnswerResult> implements AsyncIterable<Part>, AsyncDisposable {
  /** The whole. Rejects if asking fails or is aborted. */
  readonly result: Promise<Whole>;
  readonly #stop = new AbortController();
  #parts: Part[] = [];
  #ended = false;
  #wake: (() => void)[] = [];

  /** Starts at once. Parts are stored: iterating later or twice loses nothing. */
  constructor(start: (onPart: (part: Part) => void, cancelled: AbortSignal) => Promise<Whole>) {
    this.result = start((part) => {
      this.#parts.push(part);
      this.#notify();
    }, this.#stop.signal);
    const end = () => {
      this.#ended = true;
      this.#notify();
    };
    this.result.then(end, end);
  }

  /** Leaving the loop early cancels the answer. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Part> {
    let next = 0;
    try {
      for (; ; next++) {
        while (next >= this.#parts.length && !this.#ended) await new Promise<void>((wake) => this.#wake.push(wake));
        const part = this.#parts[next];
        if (part === undefined) break;
        yield part;
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
