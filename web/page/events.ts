/** The events by which the panels communicate. */

import type { AnswerResult, CheckReport, Clip, Model, SoundInfo } from "audio-flamingo-2-webgpu";

export interface PageEvents {
  checked: CheckReport;
  model: Model | undefined;
  /** A sound was chosen; it may not be decoded yet. */
  sound: { blob: Blob; name: string; suggestions: string[] };
  previewed: SoundInfo;
  clip: Clip | undefined;
  answered: AnswerResult;
  cache: undefined;
}

type Listener<Name extends keyof PageEvents> = (value: PageEvents[Name]) => void;

const listeners = new Map<keyof PageEvents, Set<Listener<never>>>();

export function on<Name extends keyof PageEvents>(name: Name, listener: Listener<Name>): void {
  const set = listeners.get(name) ?? new Set();
  listeners.set(name, set.add(listener as Listener<never>));
}

export function emit<Name extends keyof PageEvents>(name: Name, value: PageEvents[Name]): void {
  for (const listener of listeners.get(name) ?? []) (listener as Listener<Name>)(value);
}
