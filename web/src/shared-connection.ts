/** The page's side of a model that several tabs share: a connection to the one worker of all of them. */

import { Connection, type OnRecovering } from "./client.js";

/** Rejects where the browser has no such worker or refuses it. */
export async function openShared(script: URL | undefined, onRecovering: OnRecovering): Promise<Connection> {
  const worker = start(script);
  const { port } = worker;
  const { lock, release } = await holdLock();
  const end = () => {
    release();
    port.close();
  };
  port.start();
  port.postMessage({ tab: lock });
  const connection = await Connection.started(port, worker, end, onRecovering);
  connection.shared = true;
  return connection;
}

function start(script: URL | undefined): SharedWorker {
  if (script !== undefined) return new SharedWorker(script, { type: "module", name: "audio-flamingo-2" });
  // Bundlers look for this expression as it stands.
  return new SharedWorker(new URL("./worker.js", import.meta.url), { type: "module", name: "audio-flamingo-2" });
}

/** Holds a lock as long as this tab uses the worker: no event tells the worker that a tab was closed. */
function holdLock(): Promise<{ lock: string; release: () => void }> {
  const lock = `audio-flamingo-2-tab-${crypto.randomUUID()}`;
  return new Promise((resolve, reject) => {
    const held = () => new Promise<void>((release) => resolve({ lock, release }));
    navigator.locks.request(lock, held).catch(reject); // storage is forbidden
  });
}
