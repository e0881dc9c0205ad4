/** The worker's side of indexes: windows of many files are encoded once, and searched by asking about each. */

import type { Context } from "./host.js";
import type { Calls, IndexArguments, IndexedFile, SearchArguments } from "./protocol.js";
import type { Session } from "./session.js";
import { type Running, file, run } from "./tasks.js";
import type { SearchHit } from "./types-long.js";
import { channelText } from "./windows.js";

/** Files that cannot be decoded are passed over. */
export async function index(session: Session, args: IndexArguments, { signal, emit }: Context<"index">): Promise<Calls["index"]["result"]> {
  const { former, files, channel } = args;
  const start = former ? await file(former) : {};
  const request = { kind: "index", ...start, identity: session.identity(), channel: channelText(channel) } as const;
  return run(session, request, signal, async (task) => {
    const refused: Calls["index"]["result"]["refused"] = [];
    let blob = former ?? new Blob();
    for (const [number, entry] of files.entries()) {
      const parts: Uint8Array<ArrayBuffer>[] = [];
      try {
        for await (const { bytes, seconds, duration } of heard(task, entry)) {
          parts.push(bytes);
          emit({ file: number, seconds, duration });
        }
      } catch (error) {
        if ((error as { code?: unknown }).code !== "UNSUPPORTED_AUDIO") throw error;
        refused.push({ file: number, begun: parts.length > 0, reason: (error as Error).message });
      }
      blob = new Blob([blob, ...parts]); // the browser may move it to disk
    }
    return { blob, refused };
  });
}

async function* heard(task: Running, { blob, name, modified }: IndexedFile): ReturnType<Running["steps"]> {
  await task.begin(blob, name, modified / 1000);
  yield* task.steps();
}

export function openIndex(session: Session, blob: Blob, signal: AbortSignal): Promise<Calls["openIndex"]["result"]> {
  return inIndex(session, blob, { kind: "library" }, signal);
}

export function search(session: Session, { blob, ...wanted }: SearchArguments, signal: AbortSignal): Promise<SearchHit[]> {
  return inIndex(session, blob, { kind: "search", ...wanted }, signal);
}

type Wanted = { kind: "library" } | ({ kind: "search" } & Omit<SearchArguments, "blob">);

async function inIndex<T>(session: Session, blob: Blob, wanted: Wanted, signal: AbortSignal): Promise<T> {
  const request = { ...wanted, ...(await file(blob)), identity: session.identity() };
  return run(session, request, signal, async ({ steps }) => {
    let result = "";
    for await (const { json } of steps()) result = json ?? result;
    return JSON.parse(result) as T;
  });
}
