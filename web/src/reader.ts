/** Reads a file by ranges, synchronously, as decoders do. */

/** Of workers only. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

export type ReadRange = (offset: number, length: number) => Uint8Array;

/** On the main thread, which may not wait for a file, it is read as a whole. */
export async function reader(blob: Blob): Promise<ReadRange> {
  if (typeof FileReaderSync === "undefined") {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return (offset, length) => bytes.subarray(offset, offset + length);
  }
  const files = new FileReaderSync();
  return (offset, length) => new Uint8Array(files.readAsArrayBuffer(blob.slice(offset, offset + length)));
}
