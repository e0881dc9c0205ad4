/**
 * The worker's side of models that several tabs share. A model lives as long as a tab that loaded it; each tab's clips are its own, and
 * are freed with it.
 */

import { Aborted, BadRequest } from "./errors.js";
import { type Context, type Handlers, handlers, serve } from "./host.js";
import type { LoadArguments } from "./protocol.js";
import { Session } from "./session.js";
import type { ModelInfo } from "./types.js";

type LoadContext = Context<"load">;

/** By what makes two loads the same. */
const models = new Map<string, SharedModel>();

/** A tab has connected. Its first message names the lock that it holds until it leaves or is closed. */
export function welcome(port: MessagePort): void {
  port.addEventListener("message", ({ data }) => new Tab(port, (data as { tab: string }).tab), { once: true });
  port.start();
}

class SharedModel {
  readonly session = new Session((reason) => this.#tabs.forEach((_, { port }) => port.postMessage({ recovering: reason })));
  readonly #info: Promise<ModelInfo>;
  readonly #stop = new AbortController();
  /** Who uses the model, and hears how its load goes on. */
  readonly #tabs = new Map<Tab, LoadContext["emit"]>();
  #progress: Parameters<LoadContext["emit"]>[0] | undefined;

  constructor(
    private readonly key: string,
    args: LoadArguments,
  ) {
    this.#info = this.session.load(args, (event) => this.#tell(event), this.#stop.signal);
    this.#info.catch(() => this.#forget()); // the next load tries again
  }

  /** Waits for the load that some tab began. */
  join(tab: Tab, { emit, signal }: LoadContext): Promise<ModelInfo> {
    this.#tabs.set(tab, emit);
    if (this.#progress) emit(this.#progress);
    const left = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => {
        reject(new Aborted());
        void this.leave(tab);
      });
    });
    return Promise.race([this.#info, left]);
  }

  /** Resolves to the GPU bytes that were not freed, of those that nobody uses any more. */
  async leave(tab: Tab): Promise<number> {
    if (!this.#tabs.delete(tab) || this.#tabs.size > 0) return 0;
    this.#forget();
    this.#stop.abort();
    await this.#info.catch(() => undefined);
    return this.session.dispose();
  }

  /** Licences are offered to the tab that began. */
  #tell(event: Parameters<LoadContext["emit"]>[0]): void {
    const [first] = this.#tabs.values();
    if ("offer" in event) return first?.(event);
    this.#progress = event;
    for (const emit of this.#tabs.values()) emit(event);
  }

  #forget(): void {
    if (models.get(this.key) === this) models.delete(this.key);
  }
}

class Tab {
  readonly #clips = new Set<number>();
  readonly #table: Handlers;
  readonly #cancelAll: () => void;
  #model: SharedModel | undefined;
  #left = false;

  constructor(
    readonly port: MessagePort,
    lock: string,
  ) {
    this.#table = { ...handlers(new Session(() => undefined)), load: (args, context) => this.#load(args, context) };
    navigator.locks.request(lock, () => void this.#leave()).catch(() => undefined);
    this.#cancelAll = serve(port, this.#table);
  }

  async #load(args: LoadArguments, context: LoadContext): Promise<ModelInfo> {
    if (this.#model) throw new BadRequest("this engine already holds a model");
    const model = modelOf(args);
    this.#model = model;
    this.#use(model.session);
    try {
      return await model.join(this, context);
    } catch (error) {
      this.#model = undefined;
      throw error;
    }
  }

  /** From now on calls go to the model's session. */
  #use(session: Session): void {
    const { load: _, ...calls } = handlers(session);
    Object.assign(this.#table, mortal({
      ...calls,
      listen: async (args, context) => {
        const heard = await calls.listen(args, context);
        if (this.#left) await session.disposeClip(heard.clip);
        else this.#clips.add(heard.clip);
        return heard;
      },
      disposeClip: (args, context) => {
        this.#clips.delete(args.clip);
        return calls.disposeClip(args, context);
      },
      disposeModel: () => this.#leave(),
    }));
  }

  async #leave(): Promise<number> {
    this.#left = true;
    this.#cancelAll();
    const model = this.#model;
    this.#model = undefined;
    for (const clip of this.#clips) await model?.session.disposeClip(clip);
    return (await model?.leave(this)) ?? 0;
  }
}

function modelOf(args: LoadArguments): SharedModel {
  const { source, engine, cache, powerPreference, hub } = args;
  const key = JSON.stringify([source, engine, cache, powerPreference, hub.weights, hub.endpoint]);
  const model = models.get(key) ?? new SharedModel(key, args);
  models.set(key, model);
  return model;
}

/** After a trap of the wasm code the worker ends, once the call is rejected: all tabs then start another. */
function mortal(calls: Omit<Handlers, "load">): Omit<Handlers, "load"> {
  const guarded = Object.entries(calls).map(([name, handler]) => {
    const call = async (args: never, context: never): Promise<unknown> => {
      try {
        return await (handler as (args: never, context: never) => Promise<unknown>)(args, context);
      } catch (error) {
        if (error instanceof WebAssembly.RuntimeError) setTimeout(close);
        throw error;
      }
    };
    return [name, call];
  });
  return Object.fromEntries(guarded) as Omit<Handlers, "load">;
}

// A trap in a promise's callback reaches no call.
addEventListener("unhandledrejection", ({ reason }) => {
  if (reason instanceof WebAssembly.RuntimeError) close();
});
