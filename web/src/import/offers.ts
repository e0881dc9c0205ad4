/** The question whether licences are accepted: from the engine's worker to the page, and the answer back. */

import type { Connection } from "../client.js";
import { Aborted, LicenceNotAccepted } from "../errors.js";
import type { ImportOffer, LoadOptions } from "../types.js";

/** The worker's side: an offer waits for its answer. */
export class Offers {
  #answer: ((refusal: string | undefined) => void) | undefined;

  /** Resolves once the offer is accepted. Throws `LicenceNotAccepted`. */
  async make(offer: ImportOffer, send: (offer: ImportOffer) => void, signal: AbortSignal): Promise<void> {
    const refusal = await new Promise<string | undefined>((resolve, reject) => {
      this.#answer = resolve;
      signal.addEventListener("abort", () => reject(new Aborted()), { once: true });
      if (signal.aborted) return reject(new Aborted());
      send(offer);
    });
    if (refusal === undefined) return;
    const names = offer.licences.map(({ name }) => name).join(" and ");
    throw new LicenceNotAccepted(`${offer.repository} is under the ${names || "licence of its authors"}: ${refusal}; no weight was fetched`);
  }

  answer(refusal: string | undefined): void {
    this.#answer?.(refusal);
  }
}

/** The page's side: asks the caller, and tells the worker. */
export async function answerOffer(connection: Connection, offer: ImportOffer, onLicence: LoadOptions["onLicence"]): Promise<void> {
  const refusal = await refusalOf(offer, onLicence);
  await connection.call("licence", { refusal }).catch(() => undefined); // a closed connection has no load either
}

async function refusalOf(offer: ImportOffer, onLicence: LoadOptions["onLicence"]): Promise<string | undefined> {
  if (!onLicence) return "pass the option onLicence, show the licences there and return true if they are accepted";
  try {
    return (await onLicence(offer.licences, offer)) === true ? undefined : "it was not accepted";
  } catch (error) {
    return `onLicence failed (${error instanceof Error ? error.message : String(error)})`;
  }
}
