/** The interface of the importer's wasm module, written by hand. The build checks it against the generated declarations. */

import { inWasmFolder } from "../engine.js";
import type { Licence } from "../types.js";

/** A folder of files; paths have forward slashes. */
export interface ReleaseFiles {
  /** Bytes of a file; undefined if there is none. */
  size(path: string): number | undefined;
  read(path: string, begin: number, end: number): Promise<Uint8Array>;
}

/** Files written one after the other, and the state from which an interrupted import goes on. */
export interface OutputFiles {
  create(name: string): Promise<void>;
  /** The bytes are a view of wasm memory: it is invalid after the call. */
  write(bytes: Uint8Array): void;
  finish(): Promise<void>;
  /** Makes all bytes durable and then replaces the state, atomically. */
  checkpoint(state: Uint8Array): Promise<void>;
  lastCheckpoint(): Promise<Uint8Array | undefined>;
  /** Opens a file again, cut to its first `bytes`. */
  reopen(name: string, bytes: number): Promise<void>;
  /** Bytes of the open file. */
  readBack(begin: number, end: number): Uint8Array;
  /** Removes all files and the state. */
  restart(): Promise<void>;
}

/** What an import will read and write. */
export interface ImportPlan {
  parameters: number;
  /** Bytes of the release that are read. */
  sourceBytes: number;
  /** Bytes of the converted model. */
  bytes: number;
}

/** The same of a repository at one commit. */
export interface HubPlan extends ImportPlan {
  repository: string;
  commit: string;
  licences: Licence[];
}

export interface ImportWatcher {
  /** Called once, before a weight is read. The import ends if it rejects. */
  confirm(plan: ImportPlan): Promise<void>;
  /** Bytes of the release that were read and packed. */
  progress(done: number, total: number): void;
}

export interface Network {
  /** Sends a GET request. */
  get(url: string, headers: [name: string, value: string][]): NetworkRequest;
  /** Waits before the next attempt. */
  pause(milliseconds: number, reason: string): Promise<void>;
}

/** A request in flight. */
export interface NetworkRequest {
  /** Resolves once the headers are there. */
  answer(): Promise<NetworkAnswer>;
  /** The next bytes of the body; undefined at its end. */
  chunk(): Promise<Uint8Array | undefined>;
  /** Ends the request. */
  cancel(): void;
}

export interface NetworkAnswer {
  status: number;
  /** The address that answered, after redirects. */
  url: string;
  /** Names are in lower case. */
  headers: [name: string, value: string][];
}

export interface ImporterModule {
  default(options: { module_or_path: URL }): Promise<{ memory: WebAssembly.Memory }>;
  convertFolder(
    name: string,
    scheme: string,
    files: ReleaseFiles,
    release: string,
    base: string | null | undefined,
    output: OutputFiles,
    watcher: ImportWatcher,
  ): Promise<void>;
  /** `address` is `ORGANISATION/NAME@REVISION`. */
  convertHub(
    address: string,
    scheme: string,
    endpoint: string,
    token: string | null | undefined,
    network: Network,
    output: OutputFiles,
    watcher: ImportWatcher,
  ): Promise<void>;
  planHub(address: string, scheme: string, endpoint: string, token: string | null | undefined, network: Network): Promise<HubPlan>;
}

/** An instantiated module and its memory. */
export type StartedImporter = ImporterModule & { memory: WebAssembly.Memory };

let started: Promise<StartedImporter> | undefined;

/** Fetches and instantiates the module, once. It lies beside the bundle. */
export function importerModule(): Promise<StartedImporter> {
  const starting = (started ??= start());
  starting.catch(() => (started = undefined));
  return starting;
}

async function start(): Promise<StartedImporter> {
  const module: ImporterModule = await import("../../wasm/af2_import.js");
  const module_or_path = inWasmFolder("af2_import_bg.wasm") ?? new URL("./af2_import_bg.wasm", import.meta.url);
  const { memory } = await module.default({ module_or_path });
  return { ...module, memory };
}
