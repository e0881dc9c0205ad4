/** Models with one weight that is NaN, under a hash that fits: what damaged releases and wrong conversions look like. */

import { type ModelFile, sha256 } from "./synthetic-model.js";

const INDEX = "model.safetensors.index.json";

/** The same files with the first element of a float32 tensor replaced by NaN. */
export function tainted(files: ModelFile[], tensor: string): ModelFile[] {
  const body = (name: string) => files.find((file) => file.name === name)!.body;
  const index = JSON.parse(body(INDEX).toString()) as {
    weight_map: Record<string, string>;
    shards: Record<string, { bytes: number; sha256: string }>;
  };
  const name = index.weight_map[tensor]!;
  const shard = Buffer.from(body(name));
  const header = Number(shard.readBigUInt64LE(0));
  const entries = JSON.parse(shard.toString("utf8", 8, 8 + header)) as Record<string, { dtype: string; data_offsets: [number, number] }>;
  const { dtype, data_offsets } = entries[tensor]!;
  if (dtype !== "F32") throw new Error(`${tensor} is ${dtype}`);
  shard.writeFloatLE(NaN, 8 + header + data_offsets[0]);
  index.shards[name] = { bytes: shard.length, sha256: sha256(shard) };
  const changed = new Map([[name, shard], [INDEX, Buffer.from(JSON.stringify(index))]]);
  return files.map((file) => ({ ...file, body: changed.get(file.name) ?? file.body }));
}
