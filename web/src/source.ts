/** Reads a model's files: from an address, a folder handle, or a list of files. */

import { Aborted, BadModel } from "./errors.js";
import { megabytes } from "./bytes.js";
import { Patience } from "./patience.js";
import type { SourceMessage } from "./protocol.js";
import { broken, refusal, retrying } from "./retry.js";
import { StallWatch } from "./stall.js";

/** Largest JSON file of a model, in bytes: ten times the largest tokenizer. */
const TEXT_LIMIT = 128 * 2 ** 20;

export interface ModelFiles {
  /** Address of the folder, with a slash at its end. Local folders get a `folder:` or `files:` address. */
  readonly url: string;
  readonly local: boolean;
  /** How long fetching one of its files may stall. */
  readonly patience: Patience;
  /** The shards are in the store and nowhere else. */
  readonly imported?: boolean;
  text(name: string, signal: AbortSignal): Promise<string>;
  /** Local folders only. */
  blob(name: string): Promise<Blob>;
}

export function openSource(source: SourceMessage, patience = new Patience()): ModelFiles {
  if ("url" in source) return new Remote(source.url, patience);
  if ("directory" in source) return new Folder(source.directory);
  return new FileList(source.files);
}

class Remote implements ModelFiles {
  readonly local = false;
  readonly url: string;

  constructor(
    url: string,
    readonly patience: Patience,
  ) {
    this.url = url.endsWith("/") ? url : `${url}/`;
  }

  async text(name: string, signal: AbortSignal): Promise<string> {
    const url = new URL(name, this.url).href;
    let most = 0;
    const received = (bytes: number) => (most = Math.max(most, bytes));
    return retrying(() => fetchText(url, name, received, signal), () => most, this.patience, signal);
  }

  async blob(name: string): Promise<Blob> {
    throw new BadModel(`${name} is not a local file`);
  }
}

/** One request. `received` is told how many bytes have arrived. */
async function fetchText(url: string, name: string, received: (bytes: number) => void, signal: AbortSignal): Promise<string> {
  if (signal.aborted) throw new Aborted();
  const watch = new StallWatch(signal);
  try {
    const response = await fetch(url, { signal: watch.signal, cache: "no-cache" });
    if (!response.ok) throw refusal(response, name, url);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for (const body = response.body?.getReader(); body; ) {
      const { done, value } = await body.read();
      if (done) break;
      watch.alive();
      chunks.push(value);
      received((bytes += value.byteLength));
      if (bytes > TEXT_LIMIT) throw tooLarge(name);
    }
    return await new Blob(chunks as BlobPart[]).text();
  } catch (error) {
    throw signal.aborted ? new Aborted() : broken(error, name, url, watch);
  } finally {
    watch.stop();
  }
}

function tooLarge(name: string): BadModel {
  return new BadModel(`${name} is larger than ${megabytes(TEXT_LIMIT)}: is this the address of a converted model?`);
}

abstract class Local implements ModelFiles {
  readonly local = true;
  readonly patience = new Patience();
  abstract readonly url: string;

  async text(name: string): Promise<string> {
    const blob = await this.blob(name);
    if (blob.size > TEXT_LIMIT) throw tooLarge(name);
    return blob.text();
  }

  abstract blob(name: string): Promise<Blob>;

  protected missing(name: string): BadModel {
    return new BadModel(`the folder has no ${name}: choose the folder of a converted model`);
  }
}

class Folder extends Local {
  readonly url: string;

  constructor(private readonly directory: FileSystemDirectoryHandle) {
    super();
    this.url = `folder:${directory.name}/`;
  }

  async blob(name: string): Promise<Blob> {
    try {
      return await (await this.directory.getFileHandle(name)).getFile();
    } catch {
      throw this.missing(name);
    }
  }
}

class FileList extends Local {
  readonly url = "files:/";

  constructor(private readonly files: File[]) {
    super();
  }

  async blob(name: string): Promise<Blob> {
    const file = this.files.find((candidate) => candidate.name === name);
    if (!file) throw this.missing(name);
    return file;
  }
}
