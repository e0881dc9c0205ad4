/** Chooses and loads a model. */

import { AudioFlamingo, type CheckReport, type EngineChoice, type Model, type ModelSource, type Progress } from "audio-flamingo-2-webgpu";
import { byId, make } from "./dom.js";
import { on, emit } from "./events.js";
import { bytes, duration, message } from "./format.js";
import { accepted, confirmLicences, showRelease, startReleaseCard } from "./release-card.js";
import { RELEASES } from "./releases.js";
import { shippedModels } from "./shipped.js";

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

let model: Model | undefined;
let loading: AbortController | undefined;
let machine: CheckReport | undefined;

/** Fills the list. A shipped model is small and is loaded at once. */
export async function startModelPanel(): Promise<void> {
  const choice = byId<HTMLSelectElement>("model-choice");
  const shipped = await shippedModels();
  for (const { title, url } of shipped) choice.append(new Option(title, url));
  const releases = make("optgroup", "", ...RELEASES.map(({ title, source }) => new Option(title, source)));
  releases.label = "NVIDIA’s Audio Flamingo 2";
  choice.append(releases, new Option("From an address…", URL_CHOICE), new Option("From a local folder…", FOLDER_CHOICE));
  choice.addEventListener("change", showFields);
  byId("model-folder").addEventListener("change", nameFolder);
  startReleaseCard(enableLoad);
  byId("model-load").addEventListener("click", () => (loading ? loading.abort() : void load()));
  byId("model-url").addEventListener("change", () => void preflight());
  showFields();
  on("checked", (report) => {
    machine = report;
    if (report.ok && shipped.length > 0 && !model && !loading) void load();
    enableLoad();
  });
}

/** A load needs an engine and, for a release, its licences accepted. A load in progress can always be stopped. */
function enableLoad(): void {
  const ready = (machine?.ok ?? false) && (chosenRelease() === undefined || accepted());
  const button = byId<HTMLButtonElement>("model-load");
  button.disabled = !ready && !loading;
  button.textContent = loading ? "Stop" : chosenRelease() ? "Get this model" : model ? "Load again" : "Load";
}

function chosenRelease(): (typeof RELEASES)[number] | undefined {
  const { value } = byId<HTMLSelectElement>("model-choice");
  return RELEASES.find(({ source }) => source === value);
}

function nameFolder(): void {
  const [first] = byId<HTMLInputElement>("model-folder").files ?? [];
  byId("model-folder-name").textContent = first?.webkitRelativePath.split("/")[0] || "Choose a folder";
}

function showFields(): void {
  const { value } = byId<HTMLSelectElement>("model-choice");
  byId("model-url-field").hidden = value !== URL_CHOICE;
  byId("model-folder-field").hidden = value !== FOLDER_CHOICE;
  showRelease(chosenRelease(), machine).then(enableLoad, (error: unknown) => note(message(error)));
  enableLoad();
}

function chosen(): ModelSource | undefined {
  const { value } = byId<HTMLSelectElement>("model-choice");
  if (value === FOLDER_CHOICE) return [...(byId<HTMLInputElement>("model-folder").files ?? [])];
  if (value === URL_CHOICE) return byId<HTMLInputElement>("model-url").value || undefined;
  return value;
}

/** Shows what a load would fetch, before it starts. */
async function preflight(): Promise<void> {
  const source = chosen();
  if (typeof source !== "string") return;
  note("Looking…");
  await AudioFlamingo.check(source).then(({ verdict }) => note(verdict), (error: unknown) => note(message(error)));
}

/** `?engine=webgpu` in the page's address, to compare engines. */
const ENGINE = (new URLSearchParams(location.search).get("engine") ?? "auto") as EngineChoice;

async function load(): Promise<void> {
  const source = chosen();
  if (!source || (Array.isArray(source) && source.length === 0)) return note("Choose a model first.");
  loading = new AbortController();
  setBusy(true);
  note("");
  try {
    const previous = model;
    model = undefined;
    emit("model", undefined);
    await previous?.dispose();
    model = await AudioFlamingo.load(source, { engine: ENGINE, signal: loading.signal, onProgress: show, onLicence: confirmLicences });
    note([`${model.info.name} is ready, ${bytes(model.info.totalBytes)}.`, ...model.info.notices].join(" "));
    emit("model", model);
  } catch (error) {
    note(loading.signal.aborted ? "Stopped. The next load resumes here." : message(error));
  } finally {
    loading = undefined;
    setBusy(false);
    emit("cache", undefined);
  }
}

function setBusy(busy: boolean): void {
  byId("progress").hidden = !busy;
  enableLoad();
}

function show(progress: Progress): void {
  const percent = Math.round(progress.fraction * 100);
  const bar = byId("bar");
  bar.style.setProperty("--done", `${percent}%`);
  bar.setAttribute("aria-valuenow", String(percent));
  byId("progress-phase").textContent = PHASES[progress.phase];
  byId("progress-numbers").textContent = numbers(progress);
  if (progress.notice) note(progress.notice);
}

function numbers({ loadedBytes, totalBytes, bytesPerSecond, secondsLeft }: Progress): string {
  const parts = [`${bytes(loadedBytes)} of ${bytes(totalBytes)}`];
  if (bytesPerSecond > 0 && secondsLeft !== undefined && secondsLeft > 1) parts.push(`${duration(secondsLeft)} left`);
  return parts.join(" · ");
}

function note(text: string): void {
  byId("model-note").replaceChildren(make("span", "", text));
}
