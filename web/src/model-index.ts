/** Reads `model.safetensors.index.json` of a converted model: the shards, their lengths and their SHA-256. */

import { BadModel } from "./errors.js";

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
  shards: Shard[];
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
    totalBytes: shards.reduce((sum, { bytes }) => sum + bytes, 0),
    shards,
    texts,
  };
}

function shard([file, value]: [string, unknown]): Shard {
  const { bytes, sha256 } = record(value, file);
  if (!/^(?!\.\.?$)[\w.-]+$/.test(file)) throw new BadModel(`the index names the shard "${file}": only plain file names are allowed`);
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
