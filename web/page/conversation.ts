/** Asks questions and streams the answers. */

import type { AnswerResult, Clip } from "audio-flamingo-2-webgpu";
import { byId, button, make } from "./dom.js";
import { on, emit } from "./events.js";
import { duration, message, rate } from "./format.js";

/** Suggested for sounds without suggestions of their own. */
const QUESTIONS = ["What do you hear?", "Describe the sounds in order.", "Is someone speaking?"];

let clip: Clip | undefined;
let pending: string | undefined;
let running: AbortController | undefined;

export function startConversation(): void {
  const question = byId<HTMLInputElement>("question");
  byId<HTMLFormElement>("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    if (running) return running.abort();
    void ask(question.value.trim() || question.placeholder);
    question.select();
  });
  on("sound", ({ suggestions }) => suggest(suggestions.length > 0 ? suggestions : QUESTIONS));
  on("clip", (encoded) => {
    clip = encoded;
    if (clip && pending !== undefined) void ask(pending);
  });
  suggest([]);
}

function suggest(questions: string[]): void {
  byId("suggestions").replaceChildren(...questions.map((text) => button(text, "", () => void ask(text))));
}

/** Answers now, or as soon as the sound is encoded. */
async function ask(question: string): Promise<void> {
  byId<HTMLInputElement>("question").value = question;
  if (!clip) {
    pending = question;
    byId("send").textContent = "Waiting…";
    return;
  }
  pending = undefined;
  running?.abort();
  await answer(clip, question);
}

async function answer(target: Clip, question: string): Promise<void> {
  const { item, text, meta } = card(question);
  const controller = new AbortController();
  running = controller;
  byId("send").textContent = "Stop";
  try {
    const stream = target.ask(question, { signal: controller.signal });
    for await (const delta of stream) text.textContent = (delta.restart ? "" : text.textContent) + delta.text;
    const result = await stream.result;
    text.textContent = result.text;
    meta.textContent = summary(result);
    emit("answered", result);
  } catch (error) {
    if (controller.signal.aborted) meta.textContent = "Stopped.";
    else fail(item, text, message(error));
  } finally {
    delete item.dataset["streaming"];
    if (running === controller) {
      running = undefined;
      byId("send").textContent = "Ask";
    }
  }
}

function card(question: string) {
  const text = make("p", "answer-text");
  const meta = make("p", "answer-meta");
  const item = make("li", "answer", make("p", "answer-question", question), text, meta);
  item.dataset["streaming"] = "";
  byId("answers").prepend(item);
  return { item, text, meta };
}

function fail(item: HTMLElement, text: HTMLElement, reason: string): void {
  item.dataset["failed"] = "";
  text.textContent = reason;
}

function summary({ tokens, finishReason, questionCut, timings }: AnswerResult): string {
  const parts = [`${tokens.length} tokens`, `first after ${duration(timings.firstTokenMs / 1000)}`, rate(timings.tokensPerSecond)];
  if (finishReason === "length") parts.push("cut at the limit");
  if (questionCut) parts.push("the question was too long: its end was cut");
  return parts.join(" · ");
}
