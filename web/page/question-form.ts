/** The question field and the suggested questions. Enter while an answer runs puts the question behind it. */

import { byId, button } from "./dom.js";
import { capitalised } from "./format.js";
import type { Machine } from "./machine.js";

/** Suggested for sounds without suggestions of their own. */
const QUESTIONS = ["What do you hear?", "Describe the sounds in order.", "Is someone speaking?"];

const HINTS = {
  nothing: "",
  sound: "Choose a sound first: drop a file, record, or take a sample.",
  model: "Load a model first: choose one under Model.",
};

export function startQuestionForm(machine: Machine): void {
  const question = byId<HTMLInputElement>("question");
  const ask = (text: string) => machine.send({ type: "ask", question: text });
  byId<HTMLFormElement>("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    ask(question.value.trim() || question.placeholder);
    question.select();
  });
  question.addEventListener("keydown", ({ key }) => key === "Escape" && machine.send({ type: "stop-all" }));
  machine.watch(({ lacking }) => lacking, (lacking) => (byId("hint").textContent = HINTS[lacking]));
  machine.watch(
    ({ sound }) => sound?.suggestions,
    (own) => {
      const texts = own === undefined ? [] : own.length > 0 ? own : QUESTIONS;
      byId("suggestions").replaceChildren(...texts.map((text) => suggestion(capitalised(text), ask)));
    },
  );
  machine.watch(
    ({ answers }) => answers.filter(({ status }) => status === "queued").length,
    (waiting) => (byId("send").textContent = waiting > 0 ? `Ask (${waiting} waiting)` : "Ask"),
  );
}

function suggestion(text: string, ask: (text: string) => void): HTMLButtonElement {
  return button(text.replaceAll("\n", " "), "pill", () => {
    byId<HTMLInputElement>("question").value = text.replaceAll("\n", " ");
    ask(text);
  });
}
