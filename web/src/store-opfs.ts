/**
 * Stores shards in the origin private file system, through synchronous access handles (workers only).
 *
 * `<sha256>.bin` holds the bytes. `<sha256>.json` holds their state: "part" while they arrive, "verified" once the hash
 * matched. Browsers write the state file atomically, through a stream: a crash leaves a part, never a wrong shard.
 */

import type { Part, ShardStore } from "./store.js";

const FOLDER = "audio-flamingo-2-shards";

/** A file's synchronous access handle. TypeScript declares it in workers only. */
export interface AccessHandle {
  read(buffer: Uint8Array, options: { at: number }): number;
  write(buffer: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

/** A file handle that can open one. */
export type AccessibleFile = FileSystemFileHandle & { createSyncAccessHandle(): Promise<AccessHandle> };

interface State {
  state: "part" | "verified";
  validator: string | undefined;
}

/** Writes a chunk at byte `at`. Returns its length. Throws a QuotaExceededError if the disk is full. */
export function appendBytes(handle: AccessHandle, chunk: Uint8Array, at: number): number {
  for (let done = 0; done < chunk.byteLength; ) {
    const wrote = handle.write(chunk.subarray(done), { at: at + done });
    // a full disk makes Chromium return its error code, -8, as a huge unsigned count
    if (wrote === 0 || wrote > chunk.byteLength - done) throw new DOMException("the disk is full", "QuotaExceededError");
    done += wrote;
  }
  return chunk.byteLength;
}

class OpfsPart implements Part {
  #open = true;

  constructor(
    private readonly folder: FileSystemDirectoryHandle,
    private readonly sha256: string,
    private readonly handle: AccessHandle,
    public bytes: number,
    public validator: string | undefined,
  ) {}

  async *read(): AsyncGenerator<Uint8Array> {
    const buffer = new Uint8Array(2 ** 20);
    for (let at = 0; at < this.bytes; ) {
      const got = this.handle.read(buffer, { at });
      if (got === 0) throw new DOMException("the stored part is shorter than its length", "InvalidStateError");
      yield buffer.subarray(0, Math.min(got, this.bytes - at));
      at += got;
    }
  }

  append(chunk: Uint8Array): void {
    this.bytes += appendBytes(this.handle, chunk, this.bytes);
  }

  async restart(validator: string | undefined): Promise<void> {
    this.handle.truncate(0);
    this.bytes = 0;
    this.validator = validator;
    await writeState(this.folder, this.sha256, { state: "part", validator });
  }

  async commit(): Promise<Blob> {
    await this.close();
    await writeState(this.folder, this.sha256, { state: "verified", validator: undefined });
    return (await this.folder.getFileHandle(`${this.sha256}.bin`)).getFile();
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.handle.flush();
    this.handle.close();
  }
}

class OpfsStore implements ShardStore {
  readonly kind = "opfs";

  constructor(private readonly folder: FileSystemDirectoryHandle) {}

  async find(sha256: string, bytes: number): Promise<Blob | undefined> {
    const file = await this.verified(sha256);
    return file?.size === bytes ? file : undefined;
  }

  async verified(sha256: string): Promise<Blob | undefined> {
    if ((await readState(this.folder, sha256))?.state !== "verified") return undefined;
    return existing(this.folder, `${sha256}.bin`);
  }

  async held(sha256: string, bytes: number): Promise<number> {
    const state = await readState(this.folder, sha256);
    const file = state && (await existing(this.folder, `${sha256}.bin`));
    return Math.min(file?.size ?? 0, bytes);
  }

  async begin(sha256: string): Promise<Part> {
    const state = await readState(this.folder, sha256);
    const file = (await this.folder.getFileHandle(`${sha256}.bin`, { create: true })) as AccessibleFile;
    const handle = await file.createSyncAccessHandle();
    const part = new OpfsPart(this.folder, sha256, handle, handle.getSize(), state?.validator);
    if (state?.state !== "part") await part.restart(undefined);
    return part;
  }

  async remove(sha256: string): Promise<void> {
    for (const name of [`${sha256}.json`, `${sha256}.bin`]) {
      await this.folder.removeEntry(name).catch(() => undefined);
    }
  }
}

/** The store, or undefined if the browser or the thread has no such file system. */
export async function opfsStore(): Promise<ShardStore | undefined> {
  if (typeof FileSystemFileHandle === "undefined" || !("createSyncAccessHandle" in FileSystemFileHandle.prototype)) return undefined;
  try {
    const root = await navigator.storage.getDirectory();
    return new OpfsStore(await root.getDirectoryHandle(FOLDER, { create: true }));
  } catch {
    return undefined;
  }
}

/** Moves a file of this file system whose SHA-256 is known into the store. Does nothing if the shard is there. */
export async function adoptShard(from: FileSystemDirectoryHandle, name: string, sha256: string, bytes: number): Promise<void> {
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
  const store = new OpfsStore(folder);
  if (await store.find(sha256, bytes)) return;
  await store.remove(sha256);
  // TypeScript lacks `move`; all browsers with synchronous access have it
  const file = (await from.getFileHandle(name)) as FileSystemFileHandle & { move(folder: FileSystemDirectoryHandle, name: string): Promise<void> };
  await writeState(folder, sha256, { state: "verified", validator: undefined }); // counts only with a file of the right length
  await file.move(folder, `${sha256}.bin`);
}

/** The same store for the main thread: finding, counting and removing need no access handle. */
export async function opfsFiles(): Promise<ShardStore | undefined> {
  try {
    const root = await navigator.storage.getDirectory();
    return new OpfsStore(await root.getDirectoryHandle(FOLDER, { create: true }));
  } catch {
    return undefined;
  }
}

async function existing(folder: FileSystemDirectoryHandle, name: string): Promise<File | undefined> {
  try {
    return await (await folder.getFileHandle(name)).getFile();
  } catch {
    return undefined;
  }
}

async function readState(folder: FileSystemDirectoryHandle, sha256: string): Promise<State | undefined> {
  const file = await existing(folder, `${sha256}.json`);
  try {
    return file && (JSON.parse(await file.text()) as State);
  } catch {
    return undefined;
  }
}

async function writeState(folder: FileSystemDirectoryHandle, sha256: string, state: State): Promise<void> {
  const handle = await folder.getFileHandle(`${sha256}.json`, { create: true });
  const stream = await handle.createWritable();
  await stream.write(JSON.stringify(state));
  await stream.close();
}
