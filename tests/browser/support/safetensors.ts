/** Reads the tensors of a safetensors file as numbers. */

interface Entry {
  dtype: string;
  data_offsets: [number, number];
}

export function readTensors(file: Buffer): Record<string, number[]> {
  const header = Number(file.readBigUInt64LE(0));
  const entries = JSON.parse(file.toString("utf8", 8, 8 + header)) as Record<string, Entry>;
  const tensors = Object.entries(entries).filter(([name]) => name !== "__metadata__");
  return Object.fromEntries(
    tensors.map(([name, { dtype, data_offsets: [begin, end] }]) => {
      const data = file.subarray(8 + header + begin, 8 + header + end);
      return [name, numbers(dtype, data)];
    }),
  );
}

function numbers(dtype: string, data: Buffer): number[] {
  if (dtype === "F32") return Array.from({ length: data.length / 4 }, (_, at) => data.readFloatLE(4 * at));
  if (dtype === "I64") return Array.from({ length: data.length / 8 }, (_, at) => Number(data.readBigInt64LE(8 * at)));
  throw new Error(`a tensor of ${dtype}`);
}
