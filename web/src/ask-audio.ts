/**
 * `<ask-audio model="/models/demo/">`: choose a sound, ask, read the answer. Importing this file defines the element.
 *
 * | attribute | |
 * |---|---|
 * | `model` | address of the model; it is loaded when the first sound is chosen |
 * | `src` | address of a sound: without one, people choose a file |
 * | `question` | the question to begin with |
 * | `engine`, `worker-url`, `wasm-url` | as the options of `AudioFlamingo.load` |
 *
 * The slots `file-label`, `question-label` and `button` take other words, the parts `file`, `question`, `button`, `status` and `answer` a style.
 * The element fires `answer`, with an `AnswerResult` in `detail`, and `error`, with an `AudioFlamingoError`. It needs no inline style or script.
 */

import { AudioFlamingo } from "./index.js";
import { askForm } from "./ask-audio-form.js";
import type { Clip } from "./clip.js";
import type { AudioFlamingoError } from "./errors.js";
import type { Model } from "./model.js";
import type { EngineChoice, LoadOptions } from "./types.js";

export class AskAudio extends HTMLElement {
  static readonly observedAttributes = ["model", "src", "question", "engine", "worker-url", "wasm-url"];

  readonly #form = askForm(this.attachShadow({ mode: "open", delegatesFocus: true }));
  /** Ends what runs for the present model and its sound. */
  #stop = new AbortController();
  #model: Promise<Model> | undefined;
  #clip: Promise<Clip> | undefined;
  /** What `#clip` has heard. */
  #heard: File | string | undefined;

  constructor() {
    super();
    this.#form.onAsk = () => void this.#ask();
    this.#form.onFile = () => {
      const { signal } = this.#stop;
      this.#present().catch((error: unknown) => this.#fail(error, signal));
    };
  }

  attributeChangedCallback(name: string, _old: string | null, value: string | null): void {
    if (name === "question") this.#form.question = value ?? "";
    else if (name === "src") this.#form.chooses = value === null;
    else this.#end();
  }

  disconnectedCallback(): void {
    queueMicrotask(() => {
      if (!this.isConnected) this.#end(); // it was not just moved
    });
  }

  async #ask(): Promise<void> {
    const { signal } = this.#stop;
    this.#form.busy = true;
    try {
      const clip = await this.#present();
      this.#form.say("Answering…");
      this.#form.answer = "";
      const answer = clip.ask(this.#form.question, { signal });
      for await (const { text, restart } of answer) this.#form.answer = restart ? text : this.#form.answer + text;
      const result = await answer.result;
      this.#form.say(result.notices.join(" "));
      this.dispatchEvent(new CustomEvent("answer", { detail: result }));
    } catch (error) {
      this.#fail(error, signal);
    } finally {
      this.#form.busy = false;
    }
  }

  /** The sound that is chosen, heard once. */
  async #present(): Promise<Clip> {
    const sound = this.getAttribute("src") ?? this.#form.file;
    if (sound === undefined) throw new Error("choose a sound first");
    const model = await this.#loaded();
    if (this.#heard !== sound || this.#clip === undefined) {
      this.#clip?.then((clip) => clip.dispose()).catch(() => undefined);
      this.#heard = sound;
      this.#form.say("Listening…");
      const clip = (this.#clip = model.listen(sound, { signal: this.#stop.signal }));
      clip.catch(() => this.#clip === clip && (this.#clip = undefined)); // the next question tries again
    }
    const clip = await this.#clip;
    this.#form.say("");
    return clip;
  }

  #loaded(): Promise<Model> {
    const [url, engine, workerUrl, wasmUrl] = ["model", "engine", "worker-url", "wasm-url"].map((name) => this.getAttribute(name) ?? undefined);
    const onProgress: LoadOptions["onProgress"] = ({ phase, fraction }) => this.#form.say(`Loading the model (${phase})…`, fraction);
    const given = Object.entries({ engine: engine as EngineChoice, workerUrl, wasmUrl }).filter(([, value]) => value !== undefined);
    const options: LoadOptions = { ...Object.fromEntries(given), onProgress, signal: this.#stop.signal };
    const model = (this.#model ??= AudioFlamingo.load(url ?? "", options));
    model.catch(() => this.#model === model && (this.#model = undefined));
    return model;
  }

  /** Says what went wrong, unless another model or sound has taken the place of this one. */
  #fail(error: unknown, signal: AbortSignal): void {
    const { code, message } = error as AudioFlamingoError;
    if (signal.aborted || code === "DISPOSED") return;
    const begin = /^[a-z]+ /.test(message) ? message.charAt(0).toUpperCase() : message.charAt(0); // a file keeps its name
    this.#form.say(`${begin}${message.slice(1)}.`);
    this.dispatchEvent(new CustomEvent("error", { detail: error }));
  }

  /** Frees the model; the next question loads one again. */
  #end(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#model?.then((model) => model.dispose()).catch(() => undefined);
    this.#model = this.#clip = this.#heard = undefined;
  }
}

if (!customElements.get("ask-audio")) customElements.define("ask-audio", AskAudio);

declare global {
  interface HTMLElementTagNameMap {
    "ask-audio": AskAudio;
  }
}
