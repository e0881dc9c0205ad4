/** The page's side of indexes. */

import { decodeInBrowser, toMessage } from "./audio.js";
import { asFile } from "./call-captions.js";
import type { Engine } from "./clip.js";
import { BadRequest } from "./errors.js";
import { guarded } from "./guard.js";
import { checkChannel, checkQuestion, checkSearch } from "./options.js";
import type { IndexedFile } from "./protocol.js";
import { either } from "./signals.js";
import type { AudioIndex, IndexOptions, SearchHit, SearchOptions } from "./types-long.js";
import type { AudioSource } from "./types.js";

/** Encodes files for searches. */
export async function makeIndex(engine: Engine, sources: AudioSource[], options: IndexOptions): Promise<AudioIndex> {
  const { channel, onProgress } = options;
  const signal = either(engine.stopped, options.signal);
  return guarded(async () => {
    signal.throwIfAborted();
    checkChannel(channel);
    if (!Array.isArray(sources)) throw new BadRequest("an index is made of an array of files");
    const add = async (files: IndexedFile[], former: Blob | undefined, tell: (file: number) => number) => {
      const onEvent = onProgress && (({ file, seconds, duration }: { file: number; seconds: number; duration: number | undefined }) => onProgress(tell(file), seconds, duration));
      return (await engine.connect()).call("index", { files, former, channel }, { signal, onEvent });
    };
    const files: IndexedFile[] = [];
    for (const source of sources) files.push(await indexed(source, signal));
    let { blob, refused } = await add(files, undefined, (file) => file);
    const skipped: AudioIndex["skipped"] = [];
    for (const { file, begun, reason } of refused) {
      const { name, modified } = files[file] as IndexedFile;
      const decoded = begun ? undefined : await decodeInBrowser(files[file] as IndexedFile);
      if (decoded) blob = (await add([{ ...asFile(decoded), name, modified }], blob, () => file)).blob;
      else skipped.push({ file: name, reason });
    }
    return open(engine, blob, skipped);
  }, signal);
}

/** Checks an index and lists its files. */
export async function openIndex(engine: Engine, blob: Blob): Promise<AudioIndex> {
  return guarded(async () => {
    if (!(blob instanceof Blob)) throw new BadRequest("an index is opened from a Blob, as `index.toBlob()` gives it");
    return open(engine, blob, []);
  }, engine.stopped);
}

async function open(engine: Engine, blob: Blob, skipped: AudioIndex["skipped"]): Promise<AudioIndex> {
  const connection = await engine.connect();
  const { files, windows } = await connection.call("openIndex", { blob }, { signal: engine.stopped });
  return {
    files,
    windows,
    skipped,
    toBlob: () => blob,
    search: (text: string, options: SearchOptions = {}) => search(engine, blob, text, options),
  };
}

async function search(engine: Engine, blob: Blob, text: string, options: SearchOptions): Promise<SearchHit[]> {
  const { top = 10, minConfidence = 0 } = options;
  const signal = either(engine.stopped, options.signal);
  return guarded(async () => {
    signal.throwIfAborted();
    checkQuestion(text);
    checkSearch(top, minConfidence);
    return (await engine.connect()).call("search", { blob, text, top, minConfidence }, { signal });
  }, signal);
}

async function indexed(source: AudioSource, signal: AbortSignal): Promise<IndexedFile> {
  const modified = source instanceof File ? source.lastModified : 0;
  return { ...asFile(await toMessage(source, signal)), modified };
}
