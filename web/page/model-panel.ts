/** Chooses and loads a model. */

import { AudioFlamingo, type ModelSource, type Progress } from "audio-flamingo-2-webgpu";
import { byId, make, write } from "./dom.js";
import { bytes, duration, message } from "./format.js";
import type { Machine } from "./machine.js";
import { showFiles } from "./model-files.js";
import { modelTitle } from "./model-title.js";
import { accepted, showRelease, startReleaseCard } from "./release-card.js";
import { RELEASES } from "./releases.js";
import { shippedModels } from "./shipped.js";
import type { Loading, PageState } from "./state.js";

const URL_CHOICE = "url";
const FOLDER_CHOICE = "folder";

const PHASES: Record<Progress["phase"], string> = {
  convert: "Fetching and converting",
  download: "Downloading",
  verify: "Verifying",
  upload: "Uploading",
  compile: "Compiling",
  ready: "Ready",
};

const DEMO = "audio-flamingo-2-demo";

/** Fills the list. A shipped model is small and is loaded at once. */
export async function startModelPanel(machine: Machine): Promise<void> {
  const choice = byId<HTMLSelectElement>("model-choice");
  const shipped = await shippedModels();
  for (const { title, url } of shipped) choice.append(new Option(modelTitle(title), url));
  const releases = make("optgroup", "", ...RELEASES.map(({ title, source }) => new Option(title, source)));
  releases.label = "NVIDIA’s Audio Flamingo 2";
  choice.append(releases, new Option("From an address…", URL_CHOICE), new Option("From a local folder…", FOLDER_CHOICE));
  choice.addEventListener("change", () => showFields(machine));
  byId("model-folder").addEventListener("change", nameFolder);
  startReleaseCard(() => enableLoad(machine.state));
  byId("model-load").addEventListener("click", () => (machine.state.model.loading ? machine.send({ type: "stop-load" }) : load(machine)));
  byId("model-url").addEventListener("change", () => void preflight());
  machine.watch(({ device }) => device, () => showFields(machine));
  machine.watch(({ model }) => model, (_, state) => show(state));
  if (shipped[0]) machine.send({ type: "shipped", source: shipped[0].url });
}

function load(machine: Machine): void {
  const source = chosen();
  if (!source || (Array.isArray(source) && source.length === 0)) return note("Choose a model first.");
  preflights++; // what a load says counts more
  machine.send({ type: "load", source });
}

function show(state: PageState): void {
  const { loading, ready, note: text } = state.model;
  byId("progress").hidden = !loading;
  byId("model-line").hidden = ready?.model.info.name !== DEMO;
  if (loading) showLoading(loading);
  note(loading?.stalled ? "The device has not answered for a minute. Wait, or stop and reload the page." : text);
  enableLoad(state);
}

/** A load needs an engine and, for a release, its licences accepted. A load in progress can always be stopped. */
function enableLoad({ device, model: { loading, ready } }: PageState): void {
  const engine = device.at === "silent" || (device.at === "known" && device.report.ok);
  const allowed = engine && (chosenRelease() === undefined || accepted());
  const button = byId<HTMLButtonElement>("model-load");
  button.disabled = !allowed && !loading;
  button.textContent = loading ? "Stop" : chosenRelease() ? "Get this model" : ready ? "Load again" : "Load";
}

function chosenRelease(): (typeof RELEASES)[number] | undefined {
  const { value } = byId<HTMLSelectElement>("model-choice");
  return RELEASES.find(({ source }) => source === value);
}

function nameFolder(): void {
  const [first] = byId<HTMLInputElement>("model-folder").files ?? [];
  byId("model-folder-name").textContent = first?.webkitRelativePath.split("/")[0] || "Choose a folder";
  void showFiles(chosen());
}

function showFields({ state }: Machine): void {
  const { value } = byId<HTMLSelectElement>("model-choice");
  byId("model-url-field").hidden = value !== URL_CHOICE;
  byId("model-folder-field").hidden = value !== FOLDER_CHOICE;
  const machine = state.device.at === "known" ? state.device.report : undefined;
  showRelease(chosenRelease(), machine).then(() => enableLoad(state), (error: unknown) => note(message(error)));
  enableLoad(state);
  void showFiles(chosen());
}

function chosen(): ModelSource | undefined {
  const { value } = byId<HTMLSelectElement>("model-choice");
  if (value === FOLDER_CHOICE) return [...(byId<HTMLInputElement>("model-folder").files ?? [])];
  if (value === URL_CHOICE) return byId<HTMLInputElement>("model-url").value || undefined;
  return value;
}

/** Looks begun so far: a look that something newer has overtaken says nothing. */
let preflights = 0;

/** Shows what a load would fetch, before it starts. */
async function preflight(): Promise<void> {
  const source = chosen();
  void showFiles(source);
  if (typeof source !== "string") return;
  note("Looking…");
  const own = ++preflights;
  const text = await AudioFlamingo.check(source).then(({ verdict }) => verdict, message);
  if (own === preflights) note(text);
}

function showLoading({ progress }: Loading): void {
  const percent = Math.round((progress?.fraction ?? 0) * 100);
  const bar = byId("bar");
  bar.style.setProperty("--done", `${percent}%`);
  bar.setAttribute("aria-valuenow", String(percent));
  byId("progress-phase").textContent = progress ? PHASES[progress.phase] : "Reading what is in it";
  byId("progress-numbers").textContent = progress ? numbers(progress) : "";
}

function numbers({ loadedBytes, totalBytes, bytesPerSecond, secondsLeft }: Progress): string {
  const parts = [`${bytes(loadedBytes)} of ${bytes(totalBytes)}`];
  if (bytesPerSecond > 0 && secondsLeft !== undefined && secondsLeft > 1) parts.push(`${duration(secondsLeft)} left`);
  return parts.join(" · ");
}

function note(text: string): void {
  write(byId("model-note"), text);
}
