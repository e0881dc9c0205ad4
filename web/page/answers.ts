/** The answers, grouped by the sound that they are about. */

import { AnswerCard } from "./answer-card.js";
import { byId, make } from "./dom.js";
import type { Machine } from "./machine.js";
import type { Player } from "./player.js";
import { playButton } from "./play-button.js";
import type { Card, Id, PageState, SoundSource } from "./state.js";

interface Group {
  section: HTMLElement;
  list: HTMLElement;
}

export function startAnswers(machine: Machine, player: Player): void {
  const groups = new Map<Blob | string, Group>();
  const cards = new Map<Id, AnswerCard>();
  let newest: string | undefined;
  /** A new question and what becomes of it are seen, on small screens too. The page does not move for answers that are read. */
  const follow = ({ answers: [card] }: PageState) => {
    const step = card && `${card.id} ${card.result ? "done" : "open"}`;
    if (step === newest) return;
    newest = step;
    if (card) cards.get(card.id)?.element.scrollIntoView({ block: "nearest" });
  };
  const show = (state: PageState) => {
    byId("answers-empty").hidden = state.answers.length > 0;
    for (const card of [...state.answers].reverse()) {
      const group = groupOf(card, groups, player);
      let view = cards.get(card.id);
      if (!view) cards.set(card.id, (view = new AnswerCard(card, machine, player)));
      if (view.element.parentElement !== group.list) {
        group.list.prepend(view.element);
        byId("answers").prepend(group.section);
      }
      view.show(card, state);
    }
    follow(state);
    for (const [source, { section, list }] of groups) {
      if (list.childElementCount > 0) continue;
      section.remove();
      groups.delete(source);
    }
  };
  // What a card shows depends on these parts of the state.
  machine.watch(({ answers }) => answers, (_, state) => show(state));
  machine.watch(({ heat }) => heat, (_, state) => show(state));
  machine.watch(({ sound }) => sound?.hearing.at, (_, state) => show(state));
  machine.watch(({ sound }) => sound?.id, (_, state) => show(state));
  machine.watch(({ model }) => model.ready, (_, state) => show(state));
  machine.watch(({ model }) => model.loading === undefined, (_, state) => show(state));
}

/** Sounds are told apart by their bytes: a sound that is opened again goes on in its group. */
function groupOf({ about }: Card, groups: Map<Blob | string, Group>, player: Player): Group {
  const known = groups.get(about.source);
  if (known) return known;
  const list = make("ol", "answers");
  const section = make("section", "group", header(about, player), list);
  section.setAttribute("aria-label", `Answers about ${about.name}`);
  const group = { section, list };
  groups.set(about.source, group);
  return group;
}

function header({ name, source }: SoundSource, player: Player): HTMLElement {
  const title = make("h2", "group-name", name);
  return make("header", "group-head", ...(source instanceof Blob ? [playButton(source, name, player)] : []), title);
}
