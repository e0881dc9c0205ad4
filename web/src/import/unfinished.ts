/** Imports that were interrupted: they take storage, so the cache lists and deletes them like models. */

import type { CachedModel } from "../types.js";

const FOLDER = "audio-flamingo-2-imports";
export const NOTE = "import.json";

/** TypeScript lacks the iterator of a folder. */
type IterableFolder = FileSystemDirectoryHandle & { values(): AsyncIterable<FileSystemHandle> };

/** What is known of an import that is not complete. */
export interface ImportNote {
  name: string;
  address: string;
  /** Bytes of the converted model. */
  totalBytes: number;
  /** Milliseconds since 1970. */
  savedAt: number;
}

/** The folder of all imports in progress. Throws where there is none or the browser offers no storage. */
export async function importsFolder(options: { create: boolean } = { create: false }): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, options);
}

/** The files of a folder. */
export async function* filesOf(folder: FileSystemDirectoryHandle): AsyncGenerator<FileSystemFileHandle> {
  for await (const handle of (folder as IterableFolder).values()) if (handle.kind === "file") yield handle as FileSystemFileHandle;
}

/** Notes what is imported into a folder. */
export async function writeNote(folder: FileSystemDirectoryHandle, note: ImportNote): Promise<void> {
  const stream = await (await folder.getFileHandle(NOTE, { create: true })).createWritable();
  await stream.write(JSON.stringify(note));
  await stream.close();
}

/** Bytes of all files in a folder. */
export async function folderBytes(folder: FileSystemDirectoryHandle): Promise<number> {
  let bytes = 0;
  for await (const file of filesOf(folder)) bytes += (await file.getFile()).size;
  return bytes;
}

/** Interrupted imports. */
export async function listUnfinished(): Promise<CachedModel[]> {
  const found: CachedModel[] = [];
  const parent = await importsFolder().catch(() => undefined);
  if (!parent) return found;
  for await (const handle of (parent as IterableFolder).values()) {
    const folder = handle as FileSystemDirectoryHandle;
    const note = await readNote(folder).catch(() => undefined);
    if (!note) continue;
    const { name, address: url, totalBytes, savedAt } = note;
    found.push({ id: folder.name, name, url, totalBytes, cachedBytes: await folderBytes(folder), complete: false, savedAt });
  }
  return found;
}

/** Deletes an interrupted import. Returns whether there was one. */
export async function removeUnfinished(id: string): Promise<boolean> {
  try {
    await (await importsFolder()).removeEntry(id, { recursive: true });
    return true;
  } catch {
    return false;
  }
}

async function readNote(folder: FileSystemDirectoryHandle): Promise<ImportNote> {
  const file = await (await folder.getFileHandle(NOTE)).getFile();
  return JSON.parse(await file.text()) as ImportNote;
}
