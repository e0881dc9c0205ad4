/** One question with its answer: text, how sure, notices, where, copy, ask again. */

import type { AnswerResult } from "audio-flamingo-2-webgpu";
import { level, sureness } from "./confidence.js";
import { button, make, write } from "./dom.js";
import { interval, sentence } from "./format.js";
import type { Machine } from "./machine.js";
import type { Player } from "./player.js";
import { type Card, heardClip, type PageState } from "./state.js";

export class AnswerCard {
  readonly element: HTMLElement;
  readonly #text = make("p", "answer-text");
  readonly #sure = make("p", "answer-sure");
  readonly #notices = make("ul", "notices");
  readonly #where = button("Where?", "button quiet", () => this.#machine.send({ type: "where", answer: this.#card.id }));
  readonly #copy = button("Copy", "button quiet", () => void this.#copyText());
  readonly #again = button("Ask again", "button quiet", () => this.#machine.send({ type: "ask-again", answer: this.#card.id }));
  readonly #stop = button("Stop", "button quiet", () => this.#machine.send({ type: "stop", answer: this.#card.id }));
  readonly #seconds = make("div", "intervals");
  readonly #machine: Machine;
  readonly #player: Player;
  #card: Card;
  /** What the seconds show. */
  #shown: Card["where"] | undefined;

  constructor(card: Card, machine: Machine, player: Player) {
    this.#card = card;
    this.#machine = machine;
    this.#player = player;
    const actions = make("div", "answer-actions", this.#sure, this.#where, this.#copy, this.#again, this.#stop);
    this.element = make("li", "answer", make("p", "answer-question", card.question), this.#text, this.#notices, actions, this.#seconds);
    this.#seconds.role = "group";
    this.#seconds.ariaLabel = "The seconds that this answer rests on";
  }

  show(card: Card, state: PageState): void {
    this.#card = card;
    const { status, result } = card;
    const open = status === "running" || status === "queued";
    this.element.dataset["status"] = status;
    this.element.toggleAttribute("data-streaming", open);
    write(this.#text, textOf(card, state));
    this.#showResult(result);
    this.#showWhere(card, state);
    this.#stop.hidden = !open;
    this.#copy.hidden = !result;
    this.#again.hidden = open;
  }

  #showResult(result: AnswerResult | undefined): void {
    this.#sure.hidden = !result;
    this.#notices.hidden = true;
    if (!result) return;
    this.element.dataset["sure"] = this.#sure.dataset["sure"] = level(result.confidence);
    write(this.#sure, sureness(result.confidence));
    this.#sure.title = "The mean probability of the words of this answer, by the model itself";
    const notices = noticesOf(result);
    this.#notices.hidden = notices.length === 0;
    if (this.#notices.childElementCount !== notices.length) this.#notices.replaceChildren(...notices.map((notice) => make("li", "", sentence(notice))));
  }

  #showWhere({ id, sound, result, where, about }: Card, state: PageState): void {
    const present = sound === state.sound?.id && heardClip(state) !== undefined;
    this.#where.hidden = !result || !present;
    this.#where.disabled = where.at === "locating";
    write(this.#where, where.at === "locating" ? "Looking…" : "Where?");
    const shown = state.heat === id && where.at === "located" && present;
    this.#where.setAttribute("aria-pressed", String(shown));
    this.#seconds.hidden = !shown && where.at !== "failed";
    if (this.#seconds.hidden) return;
    if (where === this.#shown) return;
    this.#shown = where;
    this.#fillSeconds(where, about.source);
    this.element.scrollIntoView({ block: "nearest" }); // the seconds may be under the fold
  }

  #fillSeconds(where: Card["where"], source: Blob | string): void {
    if (where.at === "failed") return this.#seconds.replaceChildren(make("p", "note", where.reason));
    if (where.at !== "located") return;
    const { intervals } = where.relevance;
    const play = (stretch: (typeof intervals)[number]) => () => source instanceof Blob && this.#player.playStretch(source, stretch);
    const none = make("p", "note", "No single part stands out: the answer rests on the whole sound.");
    this.#seconds.replaceChildren(...(intervals.length > 0 ? intervals.map((stretch) => button(interval(stretch), "pill heat", play(stretch))) : [none]));
  }

  async #copyText(): Promise<void> {
    const done = await navigator.clipboard.writeText(this.#card.text).then(() => "Copied", () => "Not allowed");
    this.#copy.textContent = done;
    setTimeout(() => (this.#copy.textContent = "Copy"), 1500);
  }
}

function textOf({ status, text }: Card, { sound, model }: PageState): string {
  if (status === "stopped") return text || "Stopped.";
  if (text !== "" || status !== "queued") return text;
  if (!model.ready) return model.loading ? "Waiting for the model…" : "Waiting for a model: load one under Model.";
  return sound?.hearing.at === "heard" ? "Waiting for the answer before…" : "Waiting until the sound is heard…";
}

function noticesOf({ notices, finishReason, questionCut }: AnswerResult): string[] {
  const cut = questionCut && !notices.some((notice) => /question/i.test(notice)) ? ["The question was too long: its end was cut."] : [];
  return [...notices, ...cut, ...(finishReason === "length" ? ["The answer was cut at its longest."] : [])];
}
