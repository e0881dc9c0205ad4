/**
 * An import in progress, in a folder of its own in the origin private file system.
 *
 * The files appear under the names of a converted model, with a checkpoint from which an interrupted import goes on. Once the index is
 * there, each shard moves to the shard store under its SHA-256, the model is entered in the catalogue, and the folder is removed.
 */

import { identify, remember } from "../catalogue.js";
import { InsufficientStorage, WeightsCorrupt } from "../errors.js";
import { parseModelIndex } from "../model-index.js";
import { type AccessHandle, type AccessibleFile, adoptShard, appendBytes } from "../store-opfs.js";
import type { OutputFiles } from "./module.js";
import { NOTE, filesOf, folderBytes, importsFolder, writeNote } from "./unfinished.js";

const INDEX = "model.safetensors.index.json";
const CHECKPOINT = "checkpoint";

export class Workspace implements OutputFiles {
  #open: { handle: AccessHandle; bytes: number } | undefined;

  private constructor(
    private readonly address: string,
    private readonly id: string,
    private readonly parent: FileSystemDirectoryHandle,
    private readonly folder: FileSystemDirectoryHandle,
  ) {}

  /** Opens the folder of an address. Throws `InsufficientStorage` where a worker has no such file system. */
  static async open(address: string): Promise<Workspace> {
    const id = await identify(address);
    try {
      if (!("createSyncAccessHandle" in FileSystemFileHandle.prototype)) throw new Error("no synchronous file access");
      const parent = await importsFolder({ create: true });
      return new Workspace(address, id, parent, await parent.getDirectoryHandle(id, { create: true }));
    } catch (error) {
      throw new InsufficientStorage(`this browser offers no file storage here, which an import needs (${(error as Error).message}): ${REMEDY}`);
    }
  }

  /** Notes what is imported, so that the cache can list it while it is not complete. */
  async begin(name: string, totalBytes: number): Promise<void> {
    await writeNote(this.folder, { name, address: this.address, totalBytes, savedAt: Date.now() });
  }

  async create(name: string): Promise<void> {
    await this.reopen(name, 0);
  }

  async reopen(name: string, bytes: number): Promise<void> {
    this.close();
    const file = (await this.folder.getFileHandle(name, { create: true })) as AccessibleFile;
    const handle = await file.createSyncAccessHandle();
    this.#open = { handle, bytes };
    if (handle.getSize() < bytes) throw new Error(`the stored ${name} is shorter than its checkpoint`);
    handle.truncate(bytes);
  }

  readBack(begin: number, end: number): Uint8Array {
    const chunk = new Uint8Array(end - begin);
    if (this.#opened().handle.read(chunk, { at: begin }) < chunk.byteLength) throw new Error("the stored file ends early");
    return chunk;
  }

  write(bytes: Uint8Array): void {
    const open = this.#opened();
    open.bytes += appendBytes(open.handle, bytes, open.bytes);
  }

  async finish(): Promise<void> {
    this.#opened().handle.flush();
    this.close();
  }

  /** Browsers replace a file that is written through a stream when the stream is closed, atomically. */
  async checkpoint(state: Uint8Array): Promise<void> {
    this.#open?.handle.flush();
    const stream = await (await this.folder.getFileHandle(CHECKPOINT, { create: true })).createWritable();
    await stream.write(state as BufferSource);
    await stream.close();
  }

  async lastCheckpoint(): Promise<Uint8Array | undefined> {
    const file = await this.folder.getFileHandle(CHECKPOINT).catch(() => undefined);
    return file && new Uint8Array(await (await file.getFile()).arrayBuffer());
  }

  async restart(): Promise<void> {
    this.close();
    for await (const { name } of filesOf(this.folder)) if (name !== NOTE) await this.folder.removeEntry(name);
  }

  /** Closes the file that is being written. */
  close(): void {
    this.#open?.handle.close();
    this.#open = undefined;
  }

  /** Bytes stored so far. */
  async storedBytes(): Promise<number> {
    return folderBytes(this.folder);
  }

  /** Hands the complete model over to the shard store and the catalogue. Safe to repeat after an interruption. */
  async publish(): Promise<void> {
    const texts = { config: await this.#text("config.json"), tokenizer: await this.#text("tokenizer.json"), index: await this.#text(INDEX) };
    try {
      for (const { file, sha256, bytes } of parseModelIndex(texts).shards) await adoptShard(this.folder, file, sha256, bytes);
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "NotFoundError")) throw error;
      await this.restart();
      throw new WeightsCorrupt("a part of the import has vanished from this browser's storage: load the model again");
    }
    await remember(this.address, texts);
    await this.parent.removeEntry(this.id, { recursive: true });
  }

  #opened(): { handle: AccessHandle; bytes: number } {
    if (!this.#open) throw new Error("no file is open");
    return this.#open;
  }

  async #text(name: string): Promise<string> {
    return (await (await this.folder.getFileHandle(name)).getFile()).text();
  }
}

const REMEDY = "use a normal window instead of a private one, allow this site to store data, or convert the model with `af2 pull` and open its folder";
