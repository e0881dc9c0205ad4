/// <reference lib="esnext.disposable" preserve="true" />
/** Audio that a model has listened to, and questions about it. */

import { Answer, type Answers } from "./answer.js";
import type { Connection } from "./client.js";
import { Disposed } from "./errors.js";
import { guarded } from "./guard.js";
import { checkOptions, checkQuestion, checkWhere, wireOptions } from "./options.js";
import type { Calls } from "./protocol.js";
import { either } from "./signals.js";
import type { AnswerResult, AskOptions, Choice, ChooseOptions, ClipInfo, Relevance, TextDelta, WhereOptions } from "./types.js";

/** A clip's number on the connection that it was listened to on. */
export interface Heard {
  connection: Connection;
  number: Promise<number>;
}

/** What a clip needs of its model. */
export interface Engine {
  /** The connection to the engine. If its worker has ended, another is started and loads the model. */
  connect(): Promise<Connection>;
  /** Fires when the model is disposed of. */
  readonly stopped: AbortSignal;
}

export class Clip implements AsyncDisposable {
  readonly info: ClipInfo;
  readonly #engine: Engine;
  readonly #listen: (connection: Connection) => Promise<number>;
  /** Fires when the clip is disposed of, and cancels its answers. */
  readonly #stop = new AbortController();
  #heard: Heard;

  /** Use `model.listen`. `listen` encodes the audio again on another connection. */
  constructor(engine: Engine, listen: (connection: Connection) => Promise<number>, heard: Heard, info: ClipInfo) {
    this.#engine = engine;
    this.#listen = listen;
    this.#heard = heard;
    this.info = info;
  }

  /** What makes answers doubtful, such as silence, and what the decoder skipped or cut; one sentence each. */
  get notices(): string[] {
    return this.info.notices;
  }

  /** Starts answering. Iterate over the text deltas, or await `.result`. */
  ask(question: string, options?: AskOptions): Answer;
  /**
   * Answers several questions, each as if it were asked alone, but decoded together where the options leave no choice between tokens.
   * Iterate over the answers, or await `.result`.
   */
  ask(questions: string[], options?: AskOptions): Answers;
  // Types such as `ReturnType<Clip["ask"]>` go by the last signature.
  ask(question: string, options?: AskOptions): Answer;
  ask(question: string | string[], { signal, ...options }: AskOptions = {}): Answer | Answers {
    const stopped = (cancelled: AbortSignal) => either(this.#engine.stopped, this.#stop.signal, cancelled, signal);
    if (Array.isArray(question)) {
      return new Answer<AnswerResult, AnswerResult[]>((onAnswer, cancelled) => {
        const any = stopped(cancelled);
        return guarded(async () => (await import("./call-questions.js")).askAll(() => this.#present(), question, options, any, onAnswer), any);
      });
    }
    return new Answer<TextDelta>((onEvent, cancelled) => {
      const any = stopped(cancelled);
      return guarded(async () => {
        any.throwIfAborted();
        checkQuestion(question, options);
        const wire = wireOptions(options);
        const { connection, number } = await this.#present();
        return connection.call("ask", { clip: await number, question, options: wire }, { signal: any, onEvent });
      }, any);
    });
  }

  /** Which of some texts, at least two, answers the question, and with what probability. */
  choose(question: string, options: string[], { letters = false, signal }: ChooseOptions = {}): Promise<Choice> {
    const check = async () => {
      checkQuestion(question);
      checkOptions(options);
      return { question, options, letters };
    };
    return this.#about("choose", check, signal);
  }

  /** Which seconds of the audio an answer to the question rests on. */
  where(question: string, answer: Answer | AnswerResult | string, { method = "effect", signal }: WhereOptions = {}): Promise<Relevance> {
    const check = async () => {
      checkQuestion(question);
      checkWhere(answer, method);
      const given = answer instanceof Answer ? await answer.result : answer;
      const [tokens, text] = typeof given === "string" ? [undefined, given] : [given.tokens, undefined];
      return { question, tokens, text, method };
    };
    return this.#about("where", check, signal);
  }

  #about<Name extends "choose" | "where">(
    name: Name,
    check: () => Promise<Omit<Calls[Name]["args"], "clip">>,
    signal: AbortSignal | undefined,
  ): Promise<Calls[Name]["result"]> {
    const any = either(this.#engine.stopped, this.#stop.signal, signal);
    return guarded(async () => {
      any.throwIfAborted();
      const args = await check();
      const { connection, number } = await this.#present();
      return connection.call(name, { ...args, clip: await number } as Calls[Name]["args"], { signal: any });
    }, any);
  }

  /** Cancels the clip's answers and frees its keys and values. Resolves to the GPU bytes that the model still uses. */
  async dispose(): Promise<number> {
    if (this.#stop.signal.aborted || this.#engine.stopped.aborted) return 0;
    this.#stop.abort(new Disposed("clip"));
    const { connection, number } = this.#heard;
    if (connection.crashed) return 0;
    return guarded(async () => connection.call("disposeClip", { clip: await number }), this.#engine.stopped);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** The clip on the present connection: a new worker listens again. */
  async #present(): Promise<Heard> {
    const connection = await this.#engine.connect();
    if (connection !== this.#heard.connection) {
      const former = this.#heard;
      const number = this.#listen(connection);
      this.#heard = { connection, number };
      number.catch(() => (this.#heard = former)); // the next question tries again
    }
    return this.#heard;
  }
}
