/** The index of a converted model: which shards there are, how long, with which hash. */

import { BadModel } from "./errors.js";

export interface Shard {
  /** Position in the index, which is the engine's number for it. */
  number: number;
  file: string;
  bytes: number;
  sha256: string;
}

export interface Manifest {
  name: string;
  parameters: number | undefined;
  totalBytes: number;
  shards: Shard[];
  /** The files' texts, as the engine wants them. */
  config: string;
  tokenizer: string;
  index: string;
}

/** Largest shard that is believed; WebGPU buffers end far below. */
const SHARD_LIMIT = 8 * 2 ** 30;

/** Reads the two JSON files; the tokenizer is the engine's business. */
export function parseManifest(config: string, tokenizer: string, index: string): Manifest {
  const settings = parse("config.json", config);
  const table = parse("model.safetensors.index.json", index);
  const shards = Object.entries(record(table["shards"], "shards")).map(shard);
  if (shards.length === 0) throw new BadModel("model.safetensors.index.json names no shards: convert the model again");
  const metadata = record(table["metadata"] ?? {}, "metadata");
  return {
    name: typeof settings["name"] === "string" ? settings["name"] : "unnamed model",
    parameters: typeof metadata["total_parameters"] === "number" ? metadata["total_parameters"] : undefined,
    totalBytes: shards.reduce((sum, { bytes }) => sum + bytes, 0),
    shards,
    config,
    tokenizer,
    index,
  };
}

function shard([file, value]: [string, unknown], number: number): Shard {
  const { bytes, sha256 } = record(value, file);
  if (!/^[\w.-]+$/.test(file)) throw new BadModel(`the index names the shard "${file}": only plain file names are allowed`);
  if (!Number.isSafeInteger(bytes) || (bytes as number) <= 0 || (bytes as number) > SHARD_LIMIT) {
    throw new BadModel(`the index gives ${file} an impossible length: ${String(bytes)}`);
  }
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new BadModel(`the index gives ${file} no SHA-256: convert the model again`);
  }
  return { number, file, bytes: bytes as number, sha256 };
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
