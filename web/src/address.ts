/** Addresses as callers write them. */

import { BadRequest } from "./errors.js";

/** The absolute address; relative ones are resolved against the page's. */
export function address(url: string | URL): URL {
  try {
    return new URL(url, location.href);
  } catch {
    throw new BadRequest(`"${url}" is no address`);
  }
}
