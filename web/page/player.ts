/** Plays the chosen sound and moves the position line through the spectrogram. */

import { byId } from "./dom.js";
import type { Spectrogram } from "./spectrogram.js";

export class Player {
  readonly #audio = new Audio();
  readonly #button = byId("play");
  readonly #seek = byId<HTMLInputElement>("seek");
  readonly #picture: Spectrogram;
  #span = 1;

  constructor(picture: Spectrogram) {
    this.#picture = picture;
    this.#button.addEventListener("click", () => void (this.#audio.paused ? this.#audio.play() : this.#audio.pause()));
    for (const event of ["play", "pause", "ended"]) this.#audio.addEventListener(event, () => this.#update());
    this.#seek.addEventListener("input", () => {
      this.#audio.currentTime = Number(this.#seek.value) * this.#span;
      this.#picture.position = Number(this.#seek.value);
    });
  }

  open(blob: Blob): void {
    this.stop();
    URL.revokeObjectURL(this.#audio.src);
    this.#audio.src = URL.createObjectURL(blob);
    this.#seek.value = "0";
  }

  stop(): void {
    this.#audio.pause();
  }

  /** Seconds that the spectrogram spans, padding included. */
  set span(seconds: number) {
    this.#span = seconds;
  }

  #update(): void {
    const playing = !this.#audio.paused;
    this.#button.toggleAttribute("data-playing", playing);
    this.#button.setAttribute("aria-label", playing ? "Pause" : "Play");
    if (playing) this.#follow();
  }

  #follow(): void {
    const share = this.#audio.currentTime / this.#span;
    this.#picture.position = share;
    this.#seek.value = String(share);
    if (!this.#audio.paused) requestAnimationFrame(() => this.#follow());
  }
}
