/** The page's side of several questions at once, and of questions without audio. */

import type { Engine, Heard } from "./clip.js";
import type { Connection } from "./client.js";
import { BadRequest } from "./errors.js";
import { checkQuestion } from "./options.js";
import type { AskAllArguments } from "./protocol.js";
import type { AnswerResult, AskOptions, TextDelta } from "./types.js";

type Options = Omit<AskOptions, "signal">;

/** Answers in the order of the questions, each told as soon as it is there. */
export async function askAll(
  present: () => Promise<Heard>,
  questions: string[],
  options: Options,
  signal: AbortSignal,
  onAnswer: (answer: AnswerResult) => void,
): Promise<AnswerResult[]> {
  signal.throwIfAborted();
  if (questions.length === 0) throw new BadRequest("questions must be an array of at least one string");
  for (const question of questions) checkQuestion(question, options);
  const { connection, number } = await present();
  return answers(connection, { clip: await number, questions, options }, signal, onAnswer);
}

export async function askWithoutAudio(
  engine: Engine,
  question: string,
  options: Options,
  signal: AbortSignal,
  onDelta: (delta: TextDelta) => void,
): Promise<AnswerResult> {
  signal.throwIfAborted();
  checkQuestion(question, options);
  const tell = ({ text }: AnswerResult) => onDelta({ text, restart: false });
  const [answer] = await answers(await engine.connect(), { clip: undefined, questions: [question], options }, signal, tell);
  return answer as AnswerResult;
}

async function answers(connection: Connection, args: AskAllArguments, signal: AbortSignal, onAnswer: (answer: AnswerResult) => void): Promise<AnswerResult[]> {
  const all: AnswerResult[] = [];
  const onEvent = (answer: AnswerResult) => {
    all.push(answer);
    onAnswer(answer);
  };
  await connection.call("askAll", args, { signal, onEvent });
  return all;
}
