/**
 * The page without a network. Every build has a cache of its own, named by a hash of all its files: a page never gets files of two
 * builds. Models are not here: the package stores their weights itself.
 */

export {};

declare const self: ServiceWorkerGlobalScope;

/** Put here by the build. Paths are relative to the page's folder. */
declare const __BUILD__: {
  /** Hash of all files. */
  version: string;
  /** SHA-256 of every file that is stored before the page counts as stored. */
  files: Record<string, string>;
  /** The module of each engine, which is stored once that engine is in use. */
  engines: Record<string, string>;
};

const BUILD = __BUILD__;
/** Other caches of this origin are the package's. */
const PREFIX = "page-";
const CACHE = PREFIX + BUILD.version;
/** What people can try without a network, beside the build and not part of it. */
const LISTS = ["models/models.json", "samples/samples.json"];

const scope = new URL(self.registration.scope);

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(tidy()));
self.addEventListener("message", (event) => event.waitUntil(receive(event)));
self.addEventListener("fetch", (event) => {
  const answer = respond(event.request);
  if (answer) event.respondWith(answer);
});

async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  await Promise.all(Object.entries(BUILD.files).map(([file, sha256]) => store(cache, file, sha256)));
  const [, sounds] = await Promise.all(LISTS.map((list) => refreshed(list)));
  const listed = sounds?.ok ? ((await sounds.json()) as { url: string }[]) : [];
  await Promise.all(listed.map(({ url }) => refreshed(url)));
}

/** Stores a file of this build. Fails if the server has another: the build is being replaced, and the browser installs again later. */
async function store(cache: Cache, file: string, sha256: string): Promise<void> {
  const response = await fetch(new URL(file, scope), { cache: "no-cache" });
  if (!response.ok) throw new Error(`${file}: the server answered ${response.status}`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await response.clone().arrayBuffer()));
  const found = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== sha256) throw new Error(`${file} is not of this build`);
  await cache.put(new URL(file, scope), response);
}

/** Deletes the files of other builds, unless one of them is newer and waits for its turn, or another tab may still ask for them. */
async function tidy(): Promise<void> {
  const tabs = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const others = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  const { installing, waiting } = self.registration; // asked after the names: a build that begins to install now is not among them
  if (tabs.length > 1 || installing || waiting) return;
  await Promise.all(others.map((name) => caches.delete(name)));
}

/** `"activate"`: takes over now. `{ engine }`: stores that engine, and answers with the bytes that the page takes in all. */
async function receive({ data, ports: [port] }: ExtendableMessageEvent): Promise<void> {
  if (data === "activate") return self.skipWaiting();
  await tidy();
  const cache = await caches.open(CACHE);
  const module = BUILD.engines[(data as { engine: string }).engine];
  if (module !== undefined) await stored(cache, module);
  port?.postMessage({ bytes: await size(cache) });
}

async function size(cache: Cache): Promise<number> {
  const responses = await cache.matchAll();
  const sizes = await Promise.all(responses.map(async (response) => (await response.blob()).size));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

/** Undefined for what the page gets from the network as if there were no service worker: models, and other sites. */
function respond(request: Request): Promise<Response> | undefined {
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== scope.origin || !pathname.startsWith(scope.pathname)) return undefined;
  const file = pathname.slice(scope.pathname.length) || "index.html";
  if (file in BUILD.files || file.startsWith("assets/")) return ofBuild(file);
  return LISTS.includes(file) || file.startsWith("samples/") ? refreshed(file) : undefined;
}

/** A file of this build. A tab that was opened before may ask for one of the build before. */
async function ofBuild(file: string): Promise<Response> {
  const cache = await caches.open(CACHE);
  return (await cache.match(new URL(file, scope))) ?? (await caches.match(new URL(file, scope))) ?? stored(cache, file);
}

/** A file whose name holds its hash, from the cache or, once, from the network. */
async function stored(cache: Cache, file: string): Promise<Response> {
  const address = new URL(file, scope);
  const found = await cache.match(address);
  if (found) return found;
  const response = await fetch(address);
  if (response.ok) await cache.put(address, response.clone());
  return response;
}

/** A file that may change without a new build: from the network, else as it was last. */
async function refreshed(file: string): Promise<Response> {
  const address = new URL(file, scope);
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(address, { cache: "no-cache" });
    if (response.ok) await cache.put(address, response.clone());
    return response;
  } catch {
    return (await cache.match(address)) ?? Response.error();
  }
}
