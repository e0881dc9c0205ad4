/** How a source becomes the files of a converted model: as they are, stored by an earlier import, or by an import now. */

import { identify, recall } from "../catalogue.js";
import { BadModel, BadRequest, NetworkFailed } from "../errors.js";
import type { Calls, HubOptions, LoadArguments, SourceMessage } from "../protocol.js";
import { Patience } from "../patience.js";
import { type ModelFiles, openSource } from "../source.js";
import type { Progress } from "../types.js";
import { findImported } from "./imported.js";
import type { Offers } from "./offers.js";

/** What an import needs of its load. */
export interface ImportContext {
  emit(event: Calls["load"]["event"]): void;
  offers: Offers;
  signal: AbortSignal;
}

/** A source that is imported unless it is a converted model. */
export interface ImportRequest extends ImportContext {
  args: LoadArguments;
}

/** A load of a converted model. */
export interface Prepared {
  args: LoadArguments;
  files: ModelFiles;
  report(progress: Progress): void;
}

const INDEX = "model.safetensors.index.json";

/** Resolves to a load of a converted model, after an import if it takes one. */
export async function prepare(args: LoadArguments, context: ImportContext): Promise<Prepared> {
  let share = 0;
  const emit = (event: Calls["load"]["event"]) => {
    if ("fraction" in event) share = event.fraction;
    context.emit(event);
  };
  const files = await modelFiles({ ...context, emit, args });
  // what is left of the fraction after an import
  const report = (progress: Progress) => context.emit({ ...progress, fraction: share + (1 - share) * progress.fraction });
  return { args: files.imported ? { ...args, cache: "opfs" } : args, files, report };
}

async function modelFiles(request: ImportRequest): Promise<ModelFiles> {
  const { source } = request.args;
  if (!("url" in source)) return fromFolder(source, request);
  return source.url.startsWith("hf:") ? fromHub(source.url, request) : openSource(source, new Patience(request.args.retryFor));
}

async function fromFolder(source: Exclude<SourceMessage, { url: string }>, request: ImportRequest): Promise<ModelFiles> {
  if ("directory" in source && (await hasIndex(source.directory))) return openSource(source);
  const { findRelease, listFiles } = await import("./local-release.js");
  const listing = await listFiles(source);
  const release = await findRelease(listing);
  if (release) {
    const fingerprint = await identify(release.fingerprint);
    const address = `folder:${release.name}/${fingerprint}?weights=${request.args.hub.weights}`;
    return imported(address, async () => (await import("./importer.js")).importFolder(address, release, request));
  }
  if ("files" in source && source.files.some(({ name }) => name === INDEX)) return openSource(source);
  throw new BadModel(
    `the folder holds no model: choose that of a converted model (config.json, tokenizer.json, ${INDEX} and shards) or that of NVIDIA's original release (safe_ckpt/ with metadata.json)`,
  );
}

async function hasIndex(folder: FileSystemDirectoryHandle): Promise<boolean> {
  return folder.getFileHandle(INDEX).then(() => true, () => false);
}

/** A repository on a hub. */
export interface HubAddress extends HubOptions {
  repository: string;
  /** A branch, tag or commit. */
  revision: string;
  /** Of the imported model, in the catalogue. */
  address: string;
}

async function fromHub(url: string, request: ImportRequest): Promise<ModelFiles> {
  const hub = hubAddress(url, request.args.hub);
  const files = await findModel(hub, request.signal, new Patience(request.args.retryFor));
  return files ?? imported(hub.address, async () => (await import("./importer.js")).importHub(hub, request));
}

/** Parses `hf:ORGANISATION/NAME[@REVISION]`. */
export function hubAddress(url: string, { weights, endpoint, token }: HubOptions): HubAddress {
  const [, repository = "", revision = "main"] = /^hf:([\w.-]+\/[\w.-]+)(?:@([\w./-]+))?$/.exec(url) ?? [];
  if (repository === "") throw new BadRequest(`${url} names no repository: write hf:ORGANISATION/NAME or hf:ORGANISATION/NAME@REVISION`);
  if (!URL.canParse(endpoint)) throw new BadRequest(`the option endpoint is no address: ${endpoint}`);
  return { repository, revision, weights, endpoint, token, address: `${endpoint}/${repository}@${revision}?weights=${weights}` };
}

/** The converted model of a repository: imported before, or published as such. */
export async function findModel(hub: HubAddress, signal: AbortSignal, patience?: Patience): Promise<ModelFiles | undefined> {
  return (await findImported(hub.address)) ?? published(hub, signal, patience);
}

/** The repository's own address if it holds a converted model. */
async function published(
  { endpoint, repository, revision }: HubAddress,
  signal: AbortSignal,
  patience?: Patience,
): Promise<ModelFiles | undefined> {
  const files = openSource({ url: `${endpoint}/${repository}/resolve/${revision}/` }, patience);
  if (await recall(await identify(files.url))) return files;
  try {
    return "shards" in JSON.parse(await files.text(INDEX, signal)) ? files : undefined;
  } catch (error) {
    // 401 and 403: only the importer may send a token
    if (error instanceof SyntaxError || (error instanceof NetworkFailed && [401, 403, 404].includes(error.status ?? 0))) return undefined;
    throw error;
  }
}

/** The model that an import of this address has stored, or that `work` stores now. */
async function imported(address: string, work: () => Promise<void>): Promise<ModelFiles> {
  const found = await findImported(address);
  if (found) return found;
  await work();
  const made = await findImported(address);
  if (!made) throw new BadModel("the imported model was removed from this browser's storage: load it again");
  return made;
}
