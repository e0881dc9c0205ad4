/** Synthetic models for the tests of fetching and caching: random bytes with correct hashes. */

import { createHash } from "node:crypto";

export interface ModelFile {
  name: string;
  body: Buffer;
}

/** A model folder with shards of the given lengths. `seed` selects the bytes; `announced` is what the index says of the first one's length. */
export function syntheticModel(lengths: number[], { seed = 1, announced }: { seed?: number; announced?: number } = {}): ModelFile[] {
  const shards = lengths.map((length, number) => ({ name: shardName(number), body: noise(length, seed * 1000 + number) }));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const files = [
    { name: "config.json", body: json({ model_type: "audio-flamingo-2", name: `synthetic-${seed}` }) },
    { name: "tokenizer.json", body: json({ version: "1.0" }) },
  ];
  const listed = (list: ModelFile[]) => Object.fromEntries(list.map(({ name, body }) => [name, { bytes: body.length, sha256: sha256(body) }]));
  const listedShards = listed(shards);
  if (announced) listedShards[shardName(0)]!.bytes = announced;
  const index = {
    metadata: { format: "test", total_size: total, total_parameters: total },
    weight_map: {},
    shards: listedShards,
    quantization: {},
    files: listed(files),
  };
  return [
    ...files,
    { name: "model.safetensors.index.json", body: json(index) },
    ...shards,
  ];
}

export function shardName(number: number): string {
  return `shard-${number}.safetensors`;
}

export function sha256(body: Buffer): string {
  return createHash("sha256").update(body).digest("hex");
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** A linear congruential generator: reproducible, and no two shards alike. */
function noise(length: number, seed: number): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = (seed * 2654435761) >>> 0;
  for (let at = 0; at < words.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    words[at] = state;
  }
  return Buffer.from(words.buffer, 0, length);
}
