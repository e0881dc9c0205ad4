/** The options of a load or check that concern hubs, with their defaults. */

import type { HubOptions } from "../protocol.js";
import type { ImportOptions } from "../types.js";

export function hubOptions({ weights = "q4", endpoint = "https://huggingface.co", token }: ImportOptions): HubOptions {
  return { weights, endpoint: endpoint.replace(/\/+$/, ""), token };
}
