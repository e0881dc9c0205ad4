/** Reads `model.safetensors.index.json` of a converted model: the shards and small files, their lengths and their SHA-256. */

import { BadModel, WeightsCorrupt } from "./errors.js";

export interface Shard {
  file: string;
  bytes: number;
  sha256: string;
}

/** A model's three JSON files, unparsed: the engine reads them itself. */
export interface ModelTexts {
  config: string;
  tokenizer: string;
  index: string;
}

export interface ModelIndex {
  name: string;
  parameters: number | undefined;
  totalBytes: number;
  /** What the model must answer on every machine, unchecked; undefined if the index does not list it. */
  selfTest: unknown;
  shards: Shard[];
  /** The small files that the index lists; earlier versions of the converter listed none. */
  files: Shard[];
  texts: ModelTexts;
}

/** Largest shard length accepted, in bytes. WebGPU buffers are smaller. */
const SHARD_LIMIT = 8 * 2 ** 30;

/** Parses config and index. Throws `BadModel` where they are malformed. The tokenizer is parsed by the engine only. */
export function parseModelIndex(texts: ModelTexts): ModelIndex {
  const settings = parse("config.json", texts.config);
  const table = parse("model.safetensors.index.json", texts.index);
  const shards = Object.entries(record(table["shards"], "shards")).map(shard);
  const lengths = new Map(shards.map(({ sha256, bytes }) => [sha256, bytes]));
  const contradiction = shards.find(({ sha256, bytes }) => lengths.get(sha256) !== bytes);
  if (contradiction) throw new BadModel(`the index gives two lengths for the hash of ${contradiction.file}: convert the model again`);
  if (shards.length === 0) throw new BadModel("model.safetensors.index.json names no shards: convert the model again");
  const metadata = record(table["metadata"] ?? {}, "metadata");
  return {
    name: typeof settings["name"] === "string" ? settings["name"] : "unnamed model",
    parameters: typeof metadata["total_parameters"] === "number" ? metadata["total_parameters"] : undefined,
    selfTest: metadata["self_test"],
    totalBytes: shards.reduce((sum, { bytes }) => sum + bytes, 0),
    shards,
    files: Object.entries(record(table["files"] ?? {}, "files")).map(shard),
    texts,
  };
}

/** Compares a small file with the index. The engine does so again; here it is known before anything is fetched. */
export async function isListed({ files }: ModelIndex, file: string, text: string): Promise<boolean> {
  const listed = files.find((entry) => entry.file === file);
  if (!listed || !globalThis.crypto?.subtle) return true; // crypto.subtle is missing on plain http
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("") === listed.sha256;
}

/** Throws `WeightsCorrupt` for the first small file that is not the one the index lists. */
export async function verifyTexts(index: ModelIndex): Promise<ModelIndex> {
  const { config, tokenizer } = index.texts;
  for (const [file, text] of [["config.json", config], ["tokenizer.json", tokenizer]] as const) {
    if (await isListed(index, file, text)) continue;
    throw new WeightsCorrupt(`${file} is not the file that the index lists: upload the whole model again, or, if you edited it, run \`af2 inspect MODEL --update-hashes\``);
  }
  return index;
}

/** A notice if files were not verified. */
export function unverified({ files }: ModelIndex): string | undefined {
  const missing = ["config.json", "tokenizer.json"].filter((name) => !files.some(({ file }) => file === name));
  if (missing.length === 0) return undefined;
  return `the index lists no SHA-256 of ${missing.join(" and ")}: not verified (\`af2 inspect MODEL --update-hashes\` adds it)`;
}

function shard([file, value]: [string, unknown]): Shard {
  const { bytes, sha256 } = record(value, file);
  if (!/^(?!\.\.?$)[\w.-]+$/.test(file)) throw new BadModel(`the index names the file "${file}": only plain file names are allowed`);
  if (!Number.isSafeInteger(bytes) || (bytes as number) <= 0 || (bytes as number) > SHARD_LIMIT) {
    throw new BadModel(`the index gives ${file} an impossible length: ${String(bytes)}`);
  }
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new BadModel(`the index gives ${file} no SHA-256: convert the model again`);
  }
  return { file, bytes: bytes as number, sha256 };
}

function parse(file: string, text: string): Record<string, unknown> {
  try {
    return record(JSON.parse(text), file);
  } catch (error) {
    if (error instanceof BadModel) throw error;
    throw new BadModel(`${file} is not JSON: is this the address of a converted model?`);
  }
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new BadModel(`${what} in the model's index is not an object: convert the model again`);
  }
  return value as Record<string, unknown>;
}
