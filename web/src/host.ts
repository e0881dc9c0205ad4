/** The engine's side of the protocol: answers typed calls, with one abort controller per call. */

import { check } from "./check.js";
import { wasmFolder } from "./engine.js";
import { toWire } from "./errors.js";
import type { CallName, Calls, Port, ToHost } from "./protocol.js";
import { Session } from "./session.js";
import type { Choice, Relevance } from "./types.js";

export interface Context<Name extends CallName> {
  signal: AbortSignal;
  emit(event: Calls[Name]["event"]): void;
}

export type Handlers = {
  [Name in CallName]: (args: Calls[Name]["args"], context: Context<Name>) => Promise<Calls[Name]["result"]>;
};

export function handlers(session: Session): Handlers {
  return {
    check: ({ url, engine, hub }, { signal }) => check(url, engine, hub, signal),
    load: (args, { signal, emit }) => session.load(args, emit, signal),
    licence: async ({ refusal }) => session.answerOffer(refusal),
    preview: (args) => session.preview(args),
    listen: (args, { signal, emit }) => session.listen(args, emit, signal),
    ask: (args, { signal, emit }) => session.ask(args, emit, signal),
    choose: ({ clip, letters, ...request }, { signal }) =>
      session.withClip(clip, signal, (listened) => listened.choose({ ...request, letters: Number(letters) }, signal)) as Promise<Choice>,
    where: ({ clip, tokens, ...request }, { signal }) =>
      session.withClip(clip, signal, (listened) => listened.where({ ...request, tokens: tokens && Uint32Array.from(tokens) }, signal)) as Promise<Relevance>,
    // these are fetched by visitors who use them
    askAll: async (args, context) => (await import("./serve-questions.js")).askAll(session, args, context),
    captions: async (args, context) => (await import("./serve-captions.js")).captions(session, args, context),
    index: async (args, context) => (await import("./serve-index.js")).index(session, args, context),
    openIndex: async ({ blob }, { signal }) => (await import("./serve-index.js")).openIndex(session, blob, signal),
    search: async (args, { signal }) => (await import("./serve-index.js")).search(session, args, signal),
    glance: async (args, context) => (await import("./serve-live.js")).glance(session, args, context),
    bench: async (args, context) => (await import("./serve-bench.js")).bench(session, args, context),
    tune: async (_, { signal }) => (await import("./serve-bench.js")).tune(session, signal),
    memory: () => session.memory(),
    disposeClip: ({ clip }) => session.disposeClip(clip),
    disposeModel: () => session.dispose(),
    cacheList: async () => (await import("./serve-cache.js")).list(),
    cacheDelete: async ({ id }) => (await import("./serve-cache.js")).remove(id),
    cacheVerify: async ({ id }, { signal }) => (await import("./serve-cache.js")).verify(id, signal),
  };
}

/** Answers calls on `port` until it closes. Returns what cancels all that run. */
export function serve(port: Port, table = handlers(new Session((reason) => port.postMessage({ recovering: reason })))): () => void {
  const running = new Map<number, AbortController>();
  port.addEventListener("message", ({ data }) => {
    const message = data as ToHost;
    if ("alive" in message) void report();
    else if ("wasmUrl" in message) wasmFolder(message.wasmUrl);
    else if ("cancel" in message) running.get(message.id)?.abort();
    else void answer(port, table, running, message);
  });
  const report = async () => port.postMessage({ ready: true, webgpu: "gpu" in navigator, lock: await holdLock() });
  void report();
  return () => running.forEach((call) => call.abort());
}

/** Holds a lock for as long as this thread lives: no event tells a page that its worker was ended. */
function holdLock(): Promise<string | undefined> {
  if (!navigator.locks) return Promise.resolve(undefined);
  const name = `audio-flamingo-2-host-${crypto.randomUUID()}`;
  return new Promise((resolve) => {
    const forever = () => {
      resolve(name);
      return new Promise(() => undefined);
    };
    navigator.locks.request(name, forever).catch(() => resolve(undefined)); // storage is forbidden
  });
}

/** Reports a trap of the wasm code, a panic for example: nothing works after it, and all calls are rejected. False for other errors. */
export function retire(port: Port, error: unknown): boolean {
  if (!(error instanceof WebAssembly.RuntimeError)) return false;
  port.postMessage({ fatal: `the engine panicked: ${error.message}` });
  return true;
}

async function answer(
  port: Port,
  table: Handlers,
  running: Map<number, AbortController>,
  message: Extract<ToHost, { call: CallName }>,
): Promise<void> {
  const { id, call, args } = message;
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const emit = (event: unknown) => port.postMessage({ id, event });
    const handler = table[call] as (args: unknown, context: Context<CallName>) => Promise<unknown>;
    port.postMessage({ id, result: await handler(args, { signal: controller.signal, emit }) });
  } catch (error) {
    if (!retire(port, error)) port.postMessage({ id, error: toWire(error) });
  } finally {
    running.delete(id);
  }
}
