/** The page's side of the protocol: typed calls to a worker, or to the main thread as a fallback. */

import { Aborted, AudioFlamingoError, fromWire } from "./errors.js";
import type { CallName, Calls, FromHost, Port } from "./protocol.js";
import { spawnWorker } from "./spawn-worker.js";
import { address } from "./address.js";
import type { AssetOptions } from "./types.js";

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
  onEvent: ((event: never) => void) | undefined;
}

export interface CallOptions<Name extends CallName> {
  signal?: AbortSignal | undefined;
  onEvent?: ((event: Calls[Name]["event"]) => void) | undefined;
  transfer?: Transferable[];
}

export type OnRecovering = (reason: string) => void;

export interface ConnectionOptions extends AssetOptions {
  /** One worker for all tabs that ask for it. */
  share?: boolean | undefined;
  /** Called with the reason when the GPU was lost and the model is loaded again. */
  onRecovering?: OnRecovering;
}

/** Seconds to wait for a worker to start. After that the main thread takes over. */
const START_SECONDS = 20;

/** Seconds in which a worker says that it is there. A step of the CPU engine may keep it from answering for a while. */
const ALIVE_SECONDS = 10;

export class Connection {
  readonly inWorker: boolean;
  /** Whether the host ended by itself: calls in flight were rejected, and another connection is needed. */
  crashed = false;
  /** Whether the host has `navigator.gpu`. */
  webgpu = false;
  /** Whether other tabs may use the host, too. */
  shared = false;
  #port: Port;
  #end: () => void;
  #next = 1;
  #pending = new Map<number, Pending>();
  #closed: Error | undefined;
  /** Ends the wait for a host that may be gone. */
  #doubt: ReturnType<typeof setTimeout> | undefined;
  #onRecovering: OnRecovering;

  private constructor(port: Port, inWorker: boolean, end: () => void, onRecovering: OnRecovering) {
    this.#onRecovering = onRecovering;
    this.#port = port;
    this.inWorker = inWorker;
    this.#end = end;
    port.addEventListener("message", ({ data }) => this.#receive(data as FromHost));
  }

  /** Opens a worker if asked for, unless it fails to start or lacks the WebGPU that the page has. Else uses the main thread. */
  static async open(worker = true, { workerUrl, wasmUrl, share, onRecovering = () => undefined }: ConnectionOptions = {}): Promise<Connection> {
    const script = workerUrl === undefined ? undefined : address(workerUrl);
    const shared = worker && share ? await Connection.#inSharedWorker(script, onRecovering) : undefined;
    const connection = shared ?? (await Connection.#start(worker && typeof Worker !== "undefined", script, onRecovering));
    if (wasmUrl !== undefined) connection.#port.postMessage({ wasmUrl: address(wasmUrl).href });
    return connection;
  }

  static async #start(worker: boolean, script: URL | undefined, onRecovering: OnRecovering): Promise<Connection> {
    if (!worker) return Connection.#onMainThread(onRecovering);
    const connection = await Connection.#inWorker(script, onRecovering).catch(() => undefined);
    if (connection === undefined) return Connection.#onMainThread(onRecovering);
    if (connection.webgpu || !("gpu" in navigator)) return connection;
    connection.close();
    return Connection.#onMainThread(onRecovering);
  }

  /** Undefined where the browser has no such worker, or no WebGPU in it. */
  static async #inSharedWorker(script: URL | undefined, onRecovering: OnRecovering): Promise<Connection | undefined> {
    try {
      const connection = await (await import("./shared-connection.js")).openShared(script, onRecovering);
      if (connection.webgpu || !("gpu" in navigator)) return connection;
      connection.close();
    } catch {
      // refused, as another worker may not be
    }
    return undefined;
  }

  static async #inWorker(script: URL | undefined, onRecovering: OnRecovering): Promise<Connection> {
    const worker = spawnWorker(script);
    return Connection.started(worker, worker, () => worker.terminate(), onRecovering);
  }

  /** Resolves once the host at the other end of `port` is ready. `end` leaves it. */
  static started(port: Port, worker: AbstractWorker, end: () => void, onRecovering: OnRecovering): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const connection = new Connection(port, true, end, onRecovering);
      const giveUp = (reason: string) => reject(connection.#crash(reason));
      const timer = setTimeout(() => giveUp("the worker did not start"), START_SECONDS * 1000);
      worker.addEventListener("error", (event) => giveUp(`the worker failed: ${event.message ?? "no message"}`));
      port.addEventListener("message", ({ data }) => {
        if (!("ready" in (data as FromHost))) return;
        clearTimeout(timer);
        resolve(connection);
      });
    });
  }

  static async #onMainThread(onRecovering: OnRecovering): Promise<Connection> {
    const { serve } = await import("./host.js");
    const { port1, port2 } = new MessageChannel();
    const connection = new Connection(port1, false, () => port1.close(), onRecovering);
    serve(port2);
    port2.start();
    port1.start();
    connection.webgpu = "gpu" in navigator;
    return connection;
  }

  /** Sends a call and resolves to its result. */
  call<Name extends CallName>(
    name: Name,
    args: Calls[Name]["args"],
    options: CallOptions<Name> = {},
  ): Promise<Calls[Name]["result"]> {
    const { signal, onEvent, transfer } = options;
    if (this.#closed) return Promise.reject(this.#closed);
    if (signal?.aborted) return Promise.reject(new Aborted());
    const id = this.#next++;
    const cancel = () => this.#port.postMessage({ id, cancel: true });
    signal?.addEventListener("abort", cancel, { once: true });
    const answer = new Promise<Calls[Name]["result"]>((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject, onEvent: onEvent as Pending["onEvent"] });
      this.#port.postMessage({ id, call: name, args }, transfer);
    });
    return answer.finally(() => signal?.removeEventListener("abort", cancel));
  }

  /** Ends the worker and rejects all calls in flight. */
  close(reason: Error = new Aborted("the engine was shut down")): void {
    this.#fail(reason);
    this.#end();
  }

  /** Rejects all calls: the host is gone or of no more use. */
  #crash(reason: string): Error {
    const error = new AudioFlamingoError("INTERNAL", `${reason}; the next call starts it again`);
    this.crashed ||= this.#closed === undefined;
    this.#fail(error);
    this.#end();
    return error;
  }

  /** The host's lock was granted: it is gone, or the browser has dropped all locks, as it does when the site's data is cleared. */
  #askWhetherAlive(): void {
    if (this.#closed) return;
    this.#port.postMessage({ alive: true });
    this.#doubt = setTimeout(() => void this.#crash("the engine's worker has ended"), ALIVE_SECONDS * 1000);
  }

  #fail(error: Error): void {
    this.#closed ??= error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #receive(message: FromHost): void {
    if ("ready" in message) {
      this.webgpu = message.webgpu;
      clearTimeout(this.#doubt);
      if (this.inWorker && message.lock) navigator.locks.request(message.lock, () => this.#askWhetherAlive()).catch(() => undefined);
      return;
    }
    if ("recovering" in message) return this.#onRecovering(message.recovering);
    if ("fatal" in message) return void this.#crash(message.fatal);
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    if ("event" in message) {
      pending.onEvent?.(message.event as never);
      return;
    }
    this.#pending.delete(message.id);
    if ("error" in message) pending.reject(fromWire(message.error));
    else pending.resolve(message.result);
  }
}
