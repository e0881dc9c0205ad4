/** Entry point of the worker that owns the engine: a tab's own, or one that several tabs share. */

import { retire, serve } from "./host.js";
import type { Port } from "./protocol.js";

if ("onconnect" in globalThis) {
  addEventListener("connect", (event) => void import("./shared-host.js").then(({ welcome }) => welcome((event as MessageEvent).ports[0] as MessagePort)));
} else {
  const port = globalThis as unknown as Port;
  serve(port);
  // A trap in a promise's callback reaches no call.
  addEventListener("unhandledrejection", ({ reason }) => retire(port, reason));
}
