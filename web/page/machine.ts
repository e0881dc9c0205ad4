/** Runs the page: events change the state, the state says what runs, views show it. */

import { message } from "./format.js";
import { INITIAL, type PageState } from "./state.js";
import type { PageEvent } from "./state-events.js";
import { heldBy, type Step, stepsOf } from "./state-steps.js";
import { transition } from "./state-transition.js";

export type Send = (event: PageEvent) => void;

/** Performs one step until it ends or its signal fires. */
export type Perform = (step: Step, key: string, signal: AbortSignal, send: Send) => Promise<void>;

export class Machine {
  #state = INITIAL;
  readonly #perform: Perform;
  readonly #running = new Map<string, AbortController>();
  readonly #views: ((state: PageState) => void)[] = [];
  readonly #events: PageEvent[] = [];
  #handling = false;

  constructor(perform: Perform) {
    this.#perform = perform;
  }

  get state(): PageState {
    return this.#state;
  }

  /** Starts the steps of the first state. */
  start(): void {
    this.#reconcile();
  }

  /** Views may send events, too: they are handled in order, one after the other. */
  readonly send: Send = (event) => {
    this.#events.push(event);
    if (this.#handling) return;
    this.#handling = true;
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) this.#handle(next);
    } finally {
      this.#handling = false;
    }
  };

  /** Calls `view` now, and whenever the selected part of the state is another. */
  watch<T>(select: (state: PageState) => T, view: (part: T, state: PageState) => void): void {
    let shown = select(this.#state);
    view(shown, this.#state);
    this.#views.push((state) => {
      const part = select(state);
      if (part === shown) return;
      shown = part;
      view(part, state);
    });
  }

  #handle(event: PageEvent): void {
    const before = this.#state;
    this.#state = transition(before, event);
    if (this.#state === before) return;
    this.#reconcile();
    const held = heldBy(this.#state);
    for (const gone of heldBy(before).filter((one) => !held.includes(one))) void gone.dispose().catch(() => undefined);
    for (const view of this.#views) view(this.#state);
  }

  #reconcile(): void {
    const wanted = stepsOf(this.#state);
    for (const [key, controller] of this.#running) {
      if (wanted.has(key)) continue;
      this.#running.delete(key);
      controller.abort();
    }
    for (const [key, step] of wanted) if (!this.#running.has(key)) this.#begin(key, step);
  }

  #begin(key: string, step: Step): void {
    const controller = new AbortController();
    this.#running.set(key, controller);
    const { signal } = controller;
    this.#perform(step, key, signal, this.send).catch((error: unknown) => {
      if (!signal.aborted) this.send({ type: "failed", step, reason: message(error) });
    });
  }
}
