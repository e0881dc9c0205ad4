/** Caches which kernels `Model.tune` measured as the fastest on this GPU. The next load uses them. */

const NAME = "audio-flamingo-2-tuning";

/** Cache keys are URLs. `.invalid` is reserved: nothing is ever fetched from it. */
const KEY = "https://models.invalid/tuning";

export async function cachedTuning(): Promise<string | undefined> {
  try {
    return await (await caches.match(KEY, { cacheName: NAME }))?.text(); // unlike `open`, makes no cache
  } catch {
    return undefined; // storage is forbidden
  }
}

export async function cacheTuning(tuning: string): Promise<void> {
  await (await caches.open(NAME)).put(KEY, new Response(tuning));
}
