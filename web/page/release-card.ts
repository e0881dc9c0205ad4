/** What getting one of NVIDIA's releases takes: bytes, room, machine, licences to accept. */

import { AudioFlamingo, type CheckReport, type Licence } from "audio-flamingo-2-webgpu";
import { byId, make } from "./dom.js";
import { bytes } from "./format.js";
import type { LicenceLink, Release } from "./releases.js";

/** Browsers keep a little of the granted storage for themselves. */
const SPARE_BYTES = 64e6;

let shown: LicenceLink[] = [];
/** The model on the card was fetched at an earlier visit. */
let stored = false;

/** Shows the card of a release, or hides it. `changed` is called when the licences are accepted or no longer. */
export function startReleaseCard(changed: () => void): void {
  byId("release-accept").addEventListener("change", changed);
}

export async function showRelease(release: Release | undefined, machine: CheckReport | undefined): Promise<void> {
  byId("release").hidden = release === undefined;
  if (!release) return;
  byId<HTMLInputElement>("release-accept").checked = false;
  const models = await AudioFlamingo.cache.list().catch(() => []); // storage may be refused
  stored = models.some(({ url, complete }) => complete && url.startsWith(release.source.replace("hf:", "https://huggingface.co/") + "@"));
  byId("release-terms").hidden = stored;
  byId("release-fetch").textContent = stored ? "none: it is in this browser" : `${bytes(release.fetchBytes)}, once`;
  byId("release-machine").textContent = machineVerdict(machine, release);
  showLicences(release.licences);
  const { quotaBytes, usedBytes } = await AudioFlamingo.cache.usage();
  byId("release-room").textContent = roomVerdict(release, quotaBytes - usedBytes);
}

/** Whether the licences on the card are accepted. */
export function accepted(): boolean {
  return stored || byId<HTMLInputElement>("release-accept").checked;
}

/** Whether the user accepted just these licences. Where the hub names others, they are shown and must be accepted anew. */
export function confirmLicences(licences: Licence[]): boolean {
  const same = licences.length === shown.length && licences.every(({ name }) => shown.some((known) => known.name === name));
  if (same) return accepted();
  showLicences(licences);
  byId<HTMLInputElement>("release-accept").checked = false;
  return false;
}

function showLicences(licences: LicenceLink[]): void {
  shown = licences;
  byId("release-licences").replaceChildren(...licences.map(licenceRow));
}

function licenceRow({ name, summary, url }: LicenceLink): HTMLLIElement {
  const link = make("a", "", name);
  link.href = url;
  link.target = "_blank";
  link.rel = "noreferrer";
  return make("li", "", link, `: ${summary.charAt(0).toLowerCase()}${summary.slice(1).replace(/\.$/, "")}`);
}

function roomVerdict({ storedBytes }: Release, free: number): string {
  const fits = free >= storedBytes + SPARE_BYTES;
  return `${bytes(storedBytes)} of the ${bytes(Math.max(0, free))} that this browser grants${fits ? "" : ": too little"}`;
}

function machineVerdict(machine: CheckReport | undefined, { storedBytes }: Release): string {
  if (!machine) return "not known yet";
  const { adapter } = machine;
  if (!adapter) return "no: it needs a GPU, which this browser does not offer";
  if (adapter.fallback) return "yes, but without a GPU an answer takes minutes";
  return `yes, if the GPU has ${bytes(1.25 * storedBytes)} of memory free`;
}
