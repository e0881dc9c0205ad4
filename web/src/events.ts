/** The events of a call as an async iterable. */

import { guarded } from "./guard.js";

/** Does what `start` does once it is iterated over, and gives the events. Leaving the loop early fires the signal. */
export async function* eventsOf<Event>(start: (onEvent: (event: Event) => void, left: AbortSignal) => Promise<unknown>): AsyncGenerator<Event> {
  const stop = new AbortController();
  const events: Event[] = [];
  let ended = false;
  let wake = () => {};
  const onEvent = (event: Event) => {
    events.push(event);
    wake();
  };
  const end = () => {
    ended = true;
    wake();
  };
  const call = start(onEvent, stop.signal);
  call.then(end, end);
  try {
    while (!ended || events.length > 0) {
      const event = events.shift();
      if (event === undefined) await new Promise<void>((resolve) => (wake = resolve));
      else yield event;
    }
    await call;
  } finally {
    stop.abort(new DOMException("the loop was left", "AbortError")); // does nothing to a call that has ended
  }
}

/** What `open` makes, usually from a script that is fetched only now. */
export async function* lazily<T>(open: () => Promise<AsyncIterable<T>>): AsyncGenerator<T> {
  yield* await guarded(open);
}
