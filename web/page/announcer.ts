/**
 * Tells screen readers what is answered: sentence by sentence, when one is complete. A live region over the streamed text would read
 * every word again with every token.
 */

import { sureness } from "./confidence.js";
import { byId } from "./dom.js";
import type { Machine } from "./machine.js";
import type { Card, Id } from "./state.js";

export function startAnnouncer(machine: Machine): void {
  let answer: Id | undefined;
  let said = 0;
  machine.watch(
    ({ answers }) => answers.find(({ status }) => status === "running") ?? answers.find(({ id }) => id === answer),
    (card) => {
      if (!card) return;
      if (card.id !== answer) [answer, said] = [card.id, 0];
      const complete = sayable(card);
      if (complete <= said) return;
      const ending = card.result ? ` ${sureness(card.result.confidence)}` : "";
      byId("announcer").textContent = card.text.slice(said, complete).trim() + ending;
      said = complete;
    },
  );
}

/** Characters that make whole sentences. */
function sayable({ status, text }: Card): number {
  return status === "running" ? text.search(/[.!?]\s(?!.*[.!?]\s)/s) + 1 : text.length;
}
