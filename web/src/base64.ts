/** Audio files in base64, as chat requests carry them. */

import { BadRequest } from "./errors.js";

/** The bytes of a file; padding may be missing. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  let bytes;
  try {
    bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    throw new BadRequest("the audio is no base64");
  }
  if (bytes.length === 0) throw new BadRequest("the audio is empty; send a file");
  return bytes;
}
