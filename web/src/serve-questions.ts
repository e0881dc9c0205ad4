/** The worker's side of several questions at once, and of questions without audio. */

import type { EngineAnswer } from "./engine.js";
import type { Context } from "./host.js";
import type { AskAllArguments } from "./protocol.js";
import { type Session, finished } from "./session.js";

/** What options may say without leaving a choice between tokens. Answers under any other option are decoded one by one. */
const NEUTRAL: Record<string, unknown> = { temperature: 0, repetitionPenalty: 1, topLogprobs: 0 };

export async function askAll(session: Session, { clip, questions, options }: AskAllArguments, { signal, emit }: Context<"askAll">): Promise<void> {
  if (clip === undefined) {
    const { model } = session.need();
    const onAnswer = (answer: object) => emit(finished(answer as EngineAnswer, []));
    return session.inTurn(signal, () => model.askTogether(questions, options, onAnswer, signal));
  }
  if (!together(options)) {
    for (const question of questions) emit(await session.ask({ clip, question, options }, () => undefined, signal));
    return;
  }
  const { notices } = session.listened(clip);
  const onAnswer = (answer: object) => emit(finished(answer as EngineAnswer, notices));
  return session.withClip(clip, signal, (heard) => heard.askTogether(questions, options, onAnswer, signal));
}

function together(options: AskAllArguments["options"]): boolean {
  return Object.entries(options).every(([name, value]) => name === "maxNewTokens" || value === undefined || value === NEUTRAL[name]);
}
