/** An answer on its way: an async iterable of pieces and a promise of the whole. */

import type { AnswerResult, Piece } from "./types.js";

export class Answer implements AsyncIterable<Piece> {
  /** The finished answer; rejects when asking fails or is aborted. */
  readonly result: Promise<AnswerResult>;
  #pieces: Piece[] = [];
  #ended = false;
  #wake: (() => void)[] = [];

  /** Starts at once; pieces are kept, so iterating later or twice loses nothing. */
  constructor(start: (onPiece: (piece: Piece) => void) => Promise<AnswerResult>) {
    this.result = start((piece) => {
      this.#pieces.push(piece);
      this.#notify();
    });
    const end = () => {
      this.#ended = true;
      this.#notify();
    };
    this.result.then(end, end);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Piece> {
    for (let next = 0; ; next++) {
      while (next >= this.#pieces.length && !this.#ended) await new Promise<void>((wake) => this.#wake.push(wake));
      const piece = this.#pieces[next];
      if (piece === undefined) break;
      yield piece;
    }
    await this.result;
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
