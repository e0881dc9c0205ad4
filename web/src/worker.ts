/** Entry point of the dedicated worker that owns the engine. */

import { retire, serve } from "./host.js";
import type { Port } from "./protocol.js";

const port = globalThis as unknown as Port;
serve(port);
// A trap in a promise's callback reaches no call.
addEventListener("unhandledrejection", ({ reason }) => retire(port, reason));
