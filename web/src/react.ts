/** React hooks: one for a model, one for questions about a sound. */
"use client";

import { useCallback, useEffect, useRef, useState } from "react";
import { AudioFlamingo } from "./index.js";
import type { Answer } from "./answer.js";
import type { Clip } from "./clip.js";
import type { AudioFlamingoError } from "./errors.js";
import type { Model } from "./model.js";
import type { AnswerResult, AskOptions, AudioSource, ListenOptions, LoadOptions, ModelSource, Progress } from "./types.js";

export interface ModelState {
  status: "idle" | "loading" | "ready" | "failed";
  model: Model | undefined;
  /** Of the load in progress. */
  progress: Progress | undefined;
  error: AudioFlamingoError | undefined;
}

const NO_MODEL: ModelState = { status: "idle", model: undefined, progress: undefined, error: undefined };

/**
 * Loads a model, and disposes of it when the component goes away or `source` changes. Without a source nothing is loaded. Use it once, near the
 * root: every call holds a model of its own. A change of `options` alone has no effect.
 */
export function useAudioFlamingo(source: ModelSource | undefined, options: Omit<LoadOptions, "signal"> = {}): ModelState {
  const key = stable(source);
  const [state, setState] = useState(NO_MODEL);
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  useEffect(() => {
    if (key === undefined) return setState(NO_MODEL);
    const stop = new AbortController();
    const onProgress = (progress: Progress) => {
      latest.current.onProgress?.(progress);
      if (!stop.signal.aborted) setState((state) => ({ ...state, progress }));
    };
    setState({ ...NO_MODEL, status: "loading" });
    const loading = AudioFlamingo.load(key, { ...latest.current, onProgress, signal: stop.signal });
    loading.then(
      (model) => {
        if (!stop.signal.aborted) setState({ ...NO_MODEL, status: "ready", model });
      },
      (error: AudioFlamingoError) => {
        if (!stop.signal.aborted) setState({ ...NO_MODEL, status: "failed", error });
      },
    );
    return () => {
      stop.abort();
      loading.then((model) => model.dispose()).catch(() => undefined);
    };
  }, [key]);
  return state;
}

/** An address by its text: a `URL` that a component makes anew is the same one. */
function stable<Source>(source: Source): Source | string {
  return source instanceof URL ? source.href : source;
}

export interface AnswerState {
  status: "idle" | "listening" | "answering" | "done" | "failed";
  /** The answer so far. */
  text: string;
  result: AnswerResult | undefined;
  error: AudioFlamingoError | undefined;
}

export interface Asking extends AnswerState {
  /** Asks, in place of a question in progress. The audio is encoded once, with the first question. */
  ask(question: string, options?: Omit<AskOptions, "signal">): void;
  cancel(): void;
}

const NO_ANSWER: AnswerState = { status: "idle", text: "", result: undefined, error: undefined };

/** Questions about a sound. Another model or sound begins anew. */
export function useAnswer(model: Model | undefined, audio: AudioSource | undefined, options: Omit<ListenOptions, "signal"> = {}): Asking {
  const sounding = stable(audio);
  const [state, setState] = useState(NO_ANSWER);
  const heard = useRef<Sound | undefined>(undefined);
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  useEffect(() => {
    setState(NO_ANSWER);
    if (model === undefined || sounding === undefined) return;
    const sound = new Sound(model, sounding, latest.current, setState);
    heard.current = sound;
    return () => {
      heard.current = undefined;
      sound.dispose();
    };
  }, [model, sounding]);
  const ask = useCallback((question: string, asked: Omit<AskOptions, "signal"> = {}) => void heard.current?.ask(question, asked), []);
  const cancel = useCallback(() => heard.current?.cancel(), []);
  return { ...state, ask, cancel };
}

/** A sound, and the question about it that was asked last. */
class Sound {
  readonly #stop = new AbortController();
  #clip: Promise<Clip> | undefined;
  #answer: Answer | undefined;
  /** Counts the questions: what a former one still reports is dropped. */
  #question = 0;

  constructor(
    private readonly model: Model,
    private readonly audio: AudioSource,
    private readonly options: ListenOptions,
    private readonly show: (state: AnswerState) => void,
  ) {}

  async ask(question: string, options: AskOptions): Promise<void> {
    this.cancel();
    const number = this.#question;
    const show = (state: Partial<AnswerState>) => {
      if (number === this.#question && !this.#stop.signal.aborted) this.show({ ...NO_ANSWER, ...state });
    };
    try {
      show({ status: "listening" });
      const clip = await (this.#clip ??= this.#listen());
      if (number !== this.#question || this.#stop.signal.aborted) return;
      this.#answer = clip.ask(question, options);
      let text = "";
      show({ status: "answering" });
      for await (const delta of this.#answer) {
        text = delta.restart ? delta.text : text + delta.text;
        show({ status: "answering", text });
      }
      const result = await this.#answer.result;
      show({ status: "done", text: result.text, result });
    } catch (error) {
      show({ status: "failed", error: error as AudioFlamingoError });
    }
  }

  #listen(): Promise<Clip> {
    const clip = this.model.listen(this.audio, { ...this.options, signal: this.#stop.signal });
    clip.catch(() => (this.#clip = undefined)); // the next question tries again
    return clip;
  }

  cancel(): void {
    this.#question += 1;
    this.#answer?.cancel();
    this.#answer = undefined;
    if (!this.#stop.signal.aborted) this.show(NO_ANSWER);
  }

  dispose(): void {
    this.#stop.abort();
    this.#answer?.cancel();
    this.#clip?.then((clip) => clip.dispose()).catch(() => undefined);
  }
}
