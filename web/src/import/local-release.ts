/** Recognises the original release in a folder that the user picked. */

import { BadModel } from "../errors.js";
import type { SourceMessage } from "../protocol.js";
import type { ReleaseFiles } from "./module.js";

/** Files and folders visited in a picked folder before it is refused. */
const ENTRY_LIMIT = 20_000;

/** Folders deeper than this are not searched: a release lies at most two below the picked folder. */
const DEPTH_LIMIT = 5;

const METADATA = "safe_ckpt/metadata.json";

/** The files of a local folder by path. Paths of a picked folder begin with its name. */
export type Listing = Map<string, File>;

/** A release in a listing. */
export interface LocalRelease {
  name: string;
  files: ReleaseFiles;
  /** Folder of the release. */
  release: string;
  /** Folder of the base language model; undefined if it lies where the release expects it. */
  base: string | undefined;
  /** A string that differs if a file differs in name, size or date. */
  fingerprint: string;
}

/** All files of a local source. Hidden folders, such as `.git`, are skipped. */
export async function listFiles(source: Exclude<SourceMessage, { url: string }>): Promise<Listing> {
  if ("files" in source) return new Map(source.files.map((file, at) => [source.paths[at] ?? file.name, file]));
  const listing: Listing = new Map();
  await walk(source.directory, source.directory.name, listing, 0);
  return listing;
}

async function walk(folder: FileSystemDirectoryHandle, path: string, listing: Listing, depth: number): Promise<void> {
  for await (const [name, handle] of (folder as IterableFolder).entries()) {
    if (listing.size >= ENTRY_LIMIT) throw new BadModel(`${path} has more than ${ENTRY_LIMIT} files: choose the folder of the release itself`);
    if (name.startsWith(".")) continue;
    if (handle.kind === "file") listing.set(`${path}/${name}`, await (handle as FileSystemFileHandle).getFile());
    else if (depth < DEPTH_LIMIT) await walk(handle as FileSystemDirectoryHandle, `${path}/${name}`, listing, depth + 1);
  }
}

/** TypeScript lacks the iterator of a folder. */
type IterableFolder = FileSystemDirectoryHandle & { entries(): AsyncIterable<[string, FileSystemHandle]> };

/** The release in a listing, or undefined if there is none. */
export async function findRelease(listing: Listing): Promise<LocalRelease | undefined> {
  const found = [...listing.keys()].filter((path) => path === METADATA || path.endsWith(`/${METADATA}`));
  const [first] = found;
  if (first === undefined) return undefined;
  if (found.length > 1) throw new BadModel(`the folder holds ${found.length} releases (${found.join(", ")}): choose the folder of one of them`);
  const release = first.slice(0, -METADATA.length).replace(/\/$/, "");
  const base = await findBase(listing, release);
  return {
    name: release.split("/").at(-1) || "audio-flamingo-2",
    files: new ListedFiles(listing),
    release,
    base,
    fingerprint: [...listing].map(([path, { size, lastModified }]) => `${path}\t${size}\t${lastModified}`).sort().join("\n"),
  };
}

/** The base language model: its configuration and tokenizer lie in a folder of their own. */
async function findBase(listing: Listing, release: string): Promise<string | undefined> {
  const within = release === "" ? "" : `${release}/`;
  if (listing.has(`${within}configs/inference.yaml`) || listing.has(`${within}lang_encoder/config.json`)) return undefined;
  const folders = [...listing.keys()].filter((path) => /(^|\/)config\.json$/.test(path)).map((path) => path.slice(0, -"config.json".length));
  const bases = [];
  for (const folder of folders) {
    const tokenizer = listing.has(`${folder}tokenizer.json`) || listing.has(`${folder}vocab.json`);
    if (tokenizer && (await isQwen(listing.get(`${folder}config.json`)))) bases.push(folder.replace(/\/$/, ""));
  }
  if (bases.length === 1) return bases[0];
  if (bases.length > 1) throw new BadModel(`the folder holds several language models (${bases.join(", ")}): leave only the one of this release`);
  throw new BadModel(
    `the base language model is missing: put the files config.json and tokenizer.json of the Qwen2.5 model that this release is built on into ${within}lang_encoder`,
  );
}

async function isQwen(config: File | undefined): Promise<boolean> {
  try {
    return (JSON.parse((await config?.text()) ?? "") as { model_type?: unknown }).model_type === "qwen2";
  } catch {
    return false;
  }
}

class ListedFiles implements ReleaseFiles {
  constructor(private readonly listing: Listing) {}

  size(path: string): number | undefined {
    return this.listing.get(path)?.size;
  }

  async read(path: string, begin: number, end: number): Promise<Uint8Array> {
    const file = this.listing.get(path);
    if (!file) throw new BadModel(`the folder has no ${path}`);
    try {
      return new Uint8Array(await file.slice(begin, end).arrayBuffer());
    } catch (error) {
      throw new BadModel(`${path} cannot be read (${(error as Error).message}): it was changed or removed since the folder was chosen; choose it again`);
    }
  }
}
