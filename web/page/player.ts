/** Plays sounds. One at a time: another one stops the first. */

type Listener = (player: Player) => void;

export class Player {
  readonly #audio = new Audio();
  readonly #listeners: Listener[] = [];
  #source: Blob | undefined;
  /** Where to stop, if not at the end. */
  #until = Infinity;

  constructor() {
    for (const event of ["play", "pause", "ended", "seeked", "loadedmetadata"]) this.#audio.addEventListener(event, () => this.#notify());
  }

  /** Called whenever what plays, the position or the duration changes. */
  listen(listener: Listener): void {
    this.#listeners.push(listener);
  }

  get source(): Blob | undefined {
    return this.#source;
  }

  get playing(): boolean {
    return !this.#audio.paused;
  }

  /** Position in seconds. */
  get position(): number {
    return this.#audio.currentTime;
  }

  /** Seconds of the whole sound. Undefined until the browser knows them. */
  get seconds(): number | undefined {
    return Number.isFinite(this.#audio.duration) ? this.#audio.duration : undefined;
  }

  /** Makes this the sound that plays. */
  open(source: Blob | undefined): void {
    if (source === this.#source) return;
    this.#audio.pause();
    if (this.#source) URL.revokeObjectURL(this.#audio.src);
    this.#source = source;
    this.#until = Infinity;
    if (source) this.#audio.src = URL.createObjectURL(source);
    else this.#audio.removeAttribute("src");
    this.#notify();
  }

  toggle(source: Blob): void {
    if (this.playing && source === this.#source) return this.#audio.pause();
    this.open(source);
    this.#until = Infinity;
    this.#start();
  }

  seek(seconds: number): void {
    this.#until = Infinity;
    this.#audio.currentTime = seconds;
  }

  /** Plays the stretch from `start` to `end`, in seconds. */
  playStretch(source: Blob, { start, end }: { start: number; end: number }): void {
    this.open(source);
    this.#audio.currentTime = start;
    this.#until = end;
    this.#start();
  }

  /** A format that the browser cannot play is still heard by the model; then playing does nothing. */
  #start(): void {
    void this.#audio.play().catch(() => undefined);
    this.#follow();
  }

  #follow(): void {
    if (this.#audio.currentTime >= this.#until) this.#audio.pause();
    this.#notify();
    if (this.playing) requestAnimationFrame(() => this.#follow());
  }

  #notify(): void {
    for (const listener of this.#listeners) listener(this);
  }
}
