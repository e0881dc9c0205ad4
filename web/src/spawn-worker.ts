/**
 * Starts the engine's worker, wherever the package lies. Browsers refuse a worker script of another origin, and under Trusted Types
 * an address that no policy has passed.
 */

const OPTIONS = { type: "module", name: "audio-flamingo-2" } as const;

/** Throws where the browser refuses the worker at once. A script that does not load ends in the worker's `error` event. */
export function spawnWorker(workerUrl: URL | undefined): Worker {
  if (workerUrl === undefined && sameOrigin(new URL(import.meta.url))) {
    try {
      // Bundlers look for this expression as it stands.
      return new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "audio-flamingo-2" });
    } catch {
      // Trusted Types: below through a policy
    }
  }
  const beside = import.meta.url.replace(/[^/]*$/, "worker.js"); // no second expression for bundlers
  const url = workerUrl ?? new URL(beside);
  if (sameOrigin(url)) return new Worker(trusted(url.href), OPTIONS);
  const shim = URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" }));
  return new Worker(trusted(shim), OPTIONS);
}

function sameOrigin(url: URL): boolean {
  return url.origin === location.origin;
}

/** Passed by the policy `audio-flamingo-2`, which a page under Trusted Types allows by `trusted-types audio-flamingo-2`. */
function trusted(url: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(url: string): string } } };
  if (!trustedTypes) return url;
  try {
    policy ??= trustedTypes.createPolicy("audio-flamingo-2", { createScriptURL: (text: string) => text });
    return policy.createScriptURL(url);
  } catch {
    return url; // the page does not allow the policy: the worker is refused
  }
}

let policy: { createScriptURL(url: string): string } | undefined;
