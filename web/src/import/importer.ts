/** Runs an import: a release becomes a converted model in this browser's storage. Fetched only when a model is imported. */

import { megabytes } from "../bytes.js";
import { storageReport } from "../cache.js";
import { adapterReport } from "../check.js";
import { chooseEngine } from "../choose-engine.js";
import { identify } from "../catalogue.js";
import { AudioFlamingoError, InsufficientStorage, throwIfAborted } from "../errors.js";
import { exclusively } from "../shards.js";
import { isStorageRefusal } from "../store.js";
import { findImported } from "./imported.js";
import type { LocalRelease } from "./local-release.js";
import { ImportMeter } from "./meter.js";
import { type HubPlan, type ImportPlan, type ImportWatcher, type OutputFiles, type ReleaseFiles, importerModule } from "./module.js";
import { HubNetwork } from "./network.js";
import type { HubAddress, ImportRequest } from "./prepare.js";
import { Workspace } from "./workspace.js";

/** Bytes of configuration, tokenizer and journal beside the shards. */
const SMALL_FILES = 32e6;

/** Imports a release in a local folder. */
export function importFolder(address: string, release: LocalRelease, request: ImportRequest): Promise<void> {
  return run(address, release.name, request, async (job) => {
    const { convertFolder } = await importerModule();
    const { name, files, release: path, base } = release;
    const watched = job.guarded<ReleaseFiles>({
      size: (file) => files.size(file),
      read: (file, begin, end) => (throwIfAborted(request.signal), files.read(file, begin, end)),
    });
    return convertFolder(name, request.args.hub.weights, watched, path, base, job.output, job.watcher());
  });
}

/** Imports a release from a hub. Its licences are accepted before the first weight is fetched. */
export function importHub(hub: HubAddress, request: ImportRequest): Promise<void> {
  return run(hub.address, hub.repository, request, (job) => {
    const { emit, offers, signal } = request;
    const network = new HubNetwork(hub.endpoint, signal, (bytes) => job.meter.fetched(bytes));
    const accept = async (plan: HubPlan) => {
      const { quotaBytes, usedBytes } = await storageReport();
      const { repository, commit, licences, sourceBytes: fetchBytes, bytes: storedBytes } = plan;
      const offer = { repository, commit, licences, fetchBytes, storedBytes, availableBytes: quotaBytes - usedBytes };
      await offers.make(offer, () => emit({ offer }), signal);
    };
    return network.explain(importerModule().then((module) => module.convertHub(...asked(hub), network, job.output, job.watcher(accept))));
  });
}

/** What an import of the repository would fetch and store. Fetches its small files and tensor tables only. */
export async function planHub(hub: HubAddress, signal: AbortSignal): Promise<HubPlan> {
  const network = new HubNetwork(hub.endpoint, signal, () => undefined);
  return network.explain(importerModule().then((module) => module.planHub(...asked(hub), network)));
}

/** The first arguments of the module's calls. */
function asked({ repository, revision, weights, endpoint, token }: HubAddress): [string, string, string, string | undefined] {
  return [`${repository}@${revision}`, weights, endpoint, token];
}

/** One tab imports. The others wait for its lock and then find the model in the catalogue. */
async function run(address: string, name: string, request: ImportRequest, work: (job: Job) => Promise<void>): Promise<void> {
  await exclusively(`audio-flamingo-2-import-${await identify(address)}`, request.signal, async () => {
    if (await findImported(address)) return;
    const job = new Job(await Workspace.open(address), name, request);
    try {
      await work(job);
      await job.workspace.publish();
    } catch (error) {
      throw storageError(job.failure ?? error);
    } finally {
      job.workspace.close();
    }
  });
}

/** An import in progress. */
class Job {
  readonly meter: ImportMeter;
  readonly output: OutputFiles;
  /** The first error of a callback. On its way through wasm it would lose its class. */
  failure: unknown;

  constructor(
    readonly workspace: Workspace,
    private readonly name: string,
    private readonly request: ImportRequest,
  ) {
    this.meter = new ImportMeter(request.emit);
    this.output = this.guarded<OutputFiles>({
      create: (name) => workspace.create(name),
      write: (bytes) => workspace.write(bytes),
      finish: () => workspace.finish(),
      checkpoint: (state) => workspace.checkpoint(state),
      lastCheckpoint: () => workspace.lastCheckpoint(),
      reopen: (name, bytes) => workspace.reopen(name, bytes),
      readBack: (begin, end) => workspace.readBack(begin, end),
      restart: () => workspace.restart(),
    });
  }

  watcher<Plan extends ImportPlan>(accept: (plan: Plan) => Promise<void> = async () => undefined): ImportWatcher {
    return this.guarded<ImportWatcher>({
      confirm: async (plan) => {
        await this.#check(plan);
        await accept(plan as Plan);
        await this.workspace.begin(this.name, plan.bytes);
      },
      progress: (done, total) => this.meter.packed(done, total),
    });
  }

  /** The same functions, whose first error is remembered. */
  guarded<T extends object>(functions: T): T {
    const entries = Object.entries(functions).map(([name, call]) => {
      const remember = (error: unknown) => {
        this.failure ??= error;
        throw error;
      };
      return [
        name,
        (...args: unknown[]) => {
          try {
            const result: unknown = (call as (...args: unknown[]) => unknown)(...args);
            return result instanceof Promise ? result.catch(remember) : result;
          } catch (error) {
            return remember(error);
          }
        },
      ];
    });
    return Object.fromEntries(entries) as T;
  }

  /** Refuses what could not be loaded or stored, before anything large is read. */
  async #check({ bytes }: ImportPlan): Promise<void> {
    const { name } = this;
    chooseEngine(this.request.args.engine, await adapterReport(), { name, totalBytes: bytes });
    const { quotaBytes, usedBytes } = await storageReport();
    const needed = bytes + SMALL_FILES - (await this.workspace.storedBytes());
    const available = quotaBytes - usedBytes;
    if (quotaBytes === 0 || needed <= available) return;
    const message = `the imported model needs ${megabytes(needed)} of this browser's storage, which grants ${megabytes(Math.max(0, available))}: ${ROOM}`;
    throw new InsufficientStorage(message, { needed, available });
  }
}

const ROOM = "free disk space, delete cached models, use a normal window instead of a private one, or convert the model with `af2 pull` and open its folder";

function storageError(error: unknown): unknown {
  if (error instanceof AudioFlamingoError || !isStorageRefusal(error)) return error;
  return new InsufficientStorage(`the browser stores no more (${(error as Error).message}): ${ROOM}; the next load resumes here`);
}

