/** Chooses a sound and shows it. */

import { AudioFlamingo, type SoundInfo } from "audio-flamingo-2-webgpu";
import { banner } from "./banner.js";
import { byId, button } from "./dom.js";
import { on, emit } from "./events.js";
import { duration, message } from "./format.js";
import { Player } from "./player.js";
import { startRecorder } from "./recorder.js";
import { type ShippedSound, shippedSounds } from "./shipped.js";
import { Spectrogram } from "./spectrogram.js";

const picture = new Spectrogram(byId<HTMLCanvasElement>("picture"));
const player = new Player(picture);

export async function startSoundPanel(): Promise<void> {
  const file = byId<HTMLInputElement>("file");
  file.addEventListener("change", () => file.files?.[0] && choose(file.files[0], file.files[0].name));
  byId("another").addEventListener("click", startOver);
  acceptDrops(byId("sound"));
  startRecorder((blob, name) => choose(blob, name));
  for (const sound of await shippedSounds()) byId("samples").append(sampleButton(sound));
}

/** Shows how many windows are encoded. */
export function showEncoded(done: number, windows: number): void {
  picture.encoded = done;
  const status = done < windows ? `Listening: window ${done + 1} of ${windows}…` : "";
  if (windows > 1 || done === windows) byId("listening").textContent = status;
}

export function showListening(text: string): void {
  byId("listening").textContent = text;
}

function sampleButton(sound: ShippedSound): HTMLButtonElement {
  const element = button(sound.title, "", async () => {
    const response = await fetch(sound.url);
    const name = sound.url.split("/").at(-1) ?? sound.title;
    if (response.ok) choose(new File([await response.blob()], name), sound.title, sound.suggestions);
    else banner(`The sample could not be fetched (${response.status}).`);
    element.setAttribute("aria-pressed", "true");
  });
  return element;
}

function choose(blob: Blob, name: string, suggestions: string[] = []): void {
  banner();
  for (const pressed of document.querySelectorAll("#samples [aria-pressed]")) pressed.removeAttribute("aria-pressed");
  byId("sound-name").textContent = name;
  byId("sound-info").textContent = "Decoding…";
  byId("drop").hidden = true;
  byId("heard").hidden = false;
  player.open(blob);
  emit("sound", { blob, name, suggestions });
  AudioFlamingo.preview(blob).then(draw, (error: unknown) => {
    startOver();
    banner(message(error));
  });
}

async function draw(sound: SoundInfo): Promise<void> {
  player.span = sound.windows * sound.windowSeconds;
  await picture.show(sound);
  byId("sound-info").textContent = info(sound);
  emit("previewed", sound);
}

function info(sound: SoundInfo): string {
  const windows = sound.windows === 1 ? "1 window" : `${sound.windows} windows of ${sound.windowSeconds} s`;
  const notes = [sound.truncated ? "cut at the end" : "", sound.decodedBy === "browser" ? "decoded by the browser" : ""];
  return [duration(sound.seconds), `${(sound.sourceRate / 1000).toFixed(1)} kHz`, windows, ...notes].filter(Boolean).join(" · ");
}

function startOver(): void {
  player.stop();
  byId("heard").hidden = true;
  byId("drop").hidden = false;
  byId<HTMLInputElement>("file").value = "";
  emit("clip", undefined);
}

function acceptDrops(zone: HTMLElement): void {
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.dataset["over"] = "";
  });
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => delete zone.dataset["over"]);
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) choose(file, file.name);
  });
}

on("model", () => showListening(""));
