/** The kernels that were found to be the fastest on this machine's GPU, kept for the next load. */

const NAME = "audio-flamingo-2-kernels";

/** Keys must look like addresses; this one is reserved and never fetched. */
const KEY = "https://models.invalid/kernels";

export async function keptKernels(): Promise<string | undefined> {
  try {
    return await (await caches.match(KEY, { cacheName: NAME }))?.text(); // unlike `open`, makes no cache
  } catch {
    return undefined; // storage is forbidden
  }
}

export async function keepKernels(kernels: string): Promise<void> {
  await (await caches.open(NAME)).put(KEY, new Response(kernels));
}
