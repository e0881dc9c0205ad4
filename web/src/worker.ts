/** Entry point of the dedicated worker that owns the engine. */

import { serve } from "./host.js";
import type { Port } from "./protocol.js";

serve(globalThis as unknown as Port);
