/** The page without a network: registers the service worker, says what it stores, and offers a newer build. */

import { byId } from "./dom.js";
import { bytes } from "./format.js";
import type { Machine } from "./machine.js";

/** Somebody wants the newer build: the present service worker is asked nothing more, because the newer one waits until it is idle. */
let leaving = false;

/** Without a service worker (plain HTTP, storage refused) the page needs the network at every visit. */
export function startOffline(machine: Machine): void {
  const { serviceWorker } = navigator as { serviceWorker?: ServiceWorkerContainer };
  if (!serviceWorker) return;
  serviceWorker.register("service-worker.js", { updateViaCache: "none" }).then(offerNewer).catch(() => undefined);
  machine.watch(
    ({ model }) => model.ready?.model.info.engine,
    (engine) => engine && void serviceWorker.ready.then(({ active }) => active && !leaving && storeEngine(active, engine)),
  );
}

/** Has the engine in use stored, which the page may have fetched before there was a service worker. */
function storeEngine(worker: ServiceWorker, engine: string): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }: MessageEvent<{ bytes: number }>) => {
    byId("page-stored").textContent = `This page and its engine: ${bytes(data.bytes)}. They open without a network.`;
    port1.close();
  };
  worker.postMessage({ engine }, [port2]);
}

/** A newer build is stored as a whole beside the present one, and waits until all tabs are closed or somebody wants it. */
function offerNewer(registration: ServiceWorkerRegistration): void {
  const offer = () => (byId("update").hidden = !registration.waiting || !navigator.serviceWorker.controller);
  offer();
  registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", offer));
  const button = byId<HTMLButtonElement>("update-now");
  button.addEventListener("click", () => {
    leaving = true;
    button.disabled = true; // shows that it was pressed: the present service worker may be busy for a while
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    registration.waiting?.postMessage("activate");
  });
}
