/**
 * Downloads one shard over an unreliable network: resumes at the byte, starts over if the file changed on the server,
 * and verifies the SHA-256 before anyone may use the shard.
 */

import { Aborted, NetworkFailed, WeightsCorrupt, throwIfAborted } from "./errors.js";
import type { Sha256 } from "./engine.js";
import type { Shard } from "./model-index.js";
import type { Patience } from "./patience.js";
import { Transient, broken, refusal, retrying } from "./retry.js";
import { StallWatch } from "./stall.js";
import { type Part, StorageRefused } from "./store.js";

/** What a download reports while it runs. All numbers are differences. */
export interface Tally {
  /** Bytes that an earlier attempt or visit stored. */
  resumed(bytes: number): void;
  /** Bytes that came over the network. */
  fetched(bytes: number): void;
  /** Bytes that are discarded. */
  lost(bytes: number): void;
}

/** A download fails after this many wrong hashes. */
const INTEGRITY_ATTEMPTS = 3;

/** Fills `part` with the shard's bytes and returns the committed, verified blob. */
export async function downloadShard(
  url: string,
  shard: Shard,
  part: Part,
  hash: Sha256,
  tally: Tally,
  patience: Patience,
  signal: AbortSignal,
): Promise<Blob> {
  if (part.bytes > shard.bytes) await part.restart(undefined);
  tally.resumed(part.bytes);
  for await (const chunk of part.read()) {
    throwIfAborted(signal);
    hash.update(chunk);
  }
  for (let round = 1; ; round++) {
    await fill(url, shard, part, hash, tally, patience, signal);
    const found = hash.digestHex();
    if (found === shard.sha256) return part.commit();
    tally.lost(part.bytes);
    await part.restart(undefined);
    if (round === INTEGRITY_ATTEMPTS) throw wrongHash(shard, found);
  }
}

/** Fetches until the part has the shard's length. */
async function fill(url: string, shard: Shard, part: Part, hash: Sha256, tally: Tally, patience: Patience, signal: AbortSignal) {
  if (part.bytes === shard.bytes) return;
  await retrying(() => attempt(url, shard, part, hash, tally, signal), () => part.bytes, patience, signal);
}

/** One request: continues where the part ends if the server supports it, else starts over. */
async function attempt(url: string, shard: Shard, part: Part, hash: Sha256, tally: Tally, signal: AbortSignal) {
  const watch = new StallWatch(signal);
  try {
    const response = await request(url, part, watch.signal);
    await agreeOnStart(response, url, shard, part, hash, tally);
    const body = response.body?.getReader();
    if (!body) throw new NetworkFailed(`${shard.file}: the response has no body`, { url });
    await drain(body, shard, part, hash, tally, watch);
  } catch (error) {
    throw signal.aborted ? new Aborted() : broken(error, shard.file, url, watch);
  } finally {
    watch.stop();
  }
  if (part.bytes < shard.bytes) throw new Transient(cut(url, shard, part));
}

function request(url: string, part: Part, signal: AbortSignal): Promise<Response> {
  const headers = new Headers();
  if (part.bytes > 0) headers.set("Range", `bytes=${part.bytes}-`);
  if (part.bytes > 0 && part.validator) headers.set("If-Range", part.validator);
  return fetch(url, { headers, signal, cache: "no-store" });
}

/** Makes the response's first byte the part's next byte. */
async function agreeOnStart(response: Response, url: string, shard: Shard, part: Part, hash: Sha256, tally: Tally) {
  const { status } = response;
  if (status === 206 && rangeFits(response, shard, part)) return;
  if (status === 200) {
    if (part.bytes > 0) tally.lost(part.bytes);
    hash.digestHex();
    await part.restart(strongEtag(response));
    checkLength(response, url, shard);
    return;
  }
  if (status === 206 || status === 416) {
    tally.lost(part.bytes);
    hash.digestHex();
    await part.restart(undefined);
    throw new Transient(new WeightsCorrupt(`${shard.file}: the server has another length than the index`, { shard: shard.file, url }));
  }
  throw refusal(response, shard.file, url);
}

function rangeFits(response: Response, shard: Shard, part: Part): boolean {
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("Content-Range") ?? "");
  if (!range) return response.headers.get("Content-Range") === null; // not exposed across origins: the hash decides
  return Number(range[1]) === part.bytes && (range[2] === "*" || Number(range[2]) === shard.bytes);
}

/** Rejects a whole file of another length. The length of an encoded body is unknown. */
function checkLength(response: Response, url: string, shard: Shard): void {
  const length = response.headers.get("Content-Length");
  if (length === null || response.headers.has("Content-Encoding") || Number(length) === shard.bytes) return;
  const message = `${shard.file} has ${length} bytes on the server, ${shard.bytes} in the index: the upload is incomplete or another version`;
  throw new Transient(new WeightsCorrupt(message, { shard: shard.file, url }));
}

function strongEtag(response: Response): string | undefined {
  const etag = response.headers.get("ETag");
  return etag === null || etag.startsWith("W/") ? undefined : etag;
}

async function drain(
  body: ReadableStreamDefaultReader<Uint8Array>,
  shard: Shard,
  part: Part,
  hash: Sha256,
  tally: Tally,
  watch: StallWatch,
): Promise<void> {
  for (;;) {
    const { done, value } = await body.read();
    if (done) return;
    watch.alive();
    const wanted = value.subarray(0, shard.bytes - part.bytes);
    await store(part, wanted);
    hash.update(wanted);
    tally.fetched(wanted.byteLength);
    if (wanted.byteLength < value.byteLength) return; // longer than the index says: the hash decides
  }
}

/** Turns a store's errors into `StorageRefused`, so that they are not taken for the network's. */
async function store(part: Part, bytes: Uint8Array): Promise<void> {
  try {
    await part.append(bytes);
  } catch (error) {
    throw new StorageRefused(error instanceof Error && error.message ? error.message : "the disk is full");
  }
}

function cut(url: string, shard: Shard, part: Part): NetworkFailed {
  return new NetworkFailed(`${shard.file}: the connection ended at byte ${part.bytes} of ${shard.bytes}`, { url });
}

function wrongHash(shard: Shard, found: string): WeightsCorrupt {
  const message = `${shard.file} has the hash ${found.slice(0, 12)}…, the index says ${shard.sha256.slice(0, 12)}…, ${INTEGRITY_ATTEMPTS} times in a row: the file on the server is damaged`;
  return new WeightsCorrupt(message, { shard: shard.file, expected: shard.sha256, actual: found });
}
