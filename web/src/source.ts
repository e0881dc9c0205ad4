/** Reads a model's files: from an address, a folder handle, or a list of files. */

import { BadModel, NetworkFailed, throwIfAborted } from "./errors.js";
import type { SourceMessage } from "./protocol.js";
import { IDLE_ATTEMPTS, isTransient, sleep, waitBefore } from "./retry.js";

export interface ModelFiles {
  /** Address of the folder, with a slash at its end. Local folders get a `folder:` or `files:` address. */
  readonly url: string;
  readonly local: boolean;
  text(name: string, signal: AbortSignal): Promise<string>;
  /** Local folders only. */
  blob(name: string): Promise<Blob>;
}

export function openSource(source: SourceMessage): ModelFiles {
  if ("url" in source) return new Remote(source.url);
  if ("directory" in source) return new Folder(source.directory);
  return new FileList(source.files);
}

class Remote implements ModelFiles {
  readonly local = false;
  readonly url: string;

  constructor(url: string) {
    this.url = url.endsWith("/") ? url : `${url}/`;
  }

  async text(name: string, signal: AbortSignal): Promise<string> {
    const url = new URL(name, this.url).href;
    for (let attempt = 0; ; attempt++) {
      throwIfAborted(signal);
      const outcome = await fetchText(url, name, signal);
      if (typeof outcome === "string") return outcome;
      if (!outcome.again || attempt + 1 === IDLE_ATTEMPTS) throw outcome.failure;
      await sleep(waitBefore(attempt), signal);
    }
  }

  async blob(name: string): Promise<Blob> {
    throw new BadModel(`${name} is not a local file`);
  }
}

type Failure = { failure: NetworkFailed; again: boolean };

async function fetchText(url: string, name: string, signal: AbortSignal): Promise<string | Failure> {
  try {
    const response = await fetch(url, { signal, cache: "no-cache" });
    if (response.ok) return await response.text();
    const failure = new NetworkFailed(`${name}: the server answered ${response.status} for ${url}`, { url, status: response.status });
    return { failure, again: isTransient(response.status) };
  } catch (error) {
    throwIfAborted(signal);
    return { failure: new NetworkFailed(`${name} could not be fetched from ${url}: ${String(error)}`, { url }), again: true };
  }
}

abstract class Local implements ModelFiles {
  readonly local = true;
  abstract readonly url: string;

  async text(name: string): Promise<string> {
    return (await this.blob(name)).text();
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
