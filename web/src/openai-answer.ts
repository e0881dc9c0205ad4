/** Answers in OpenAI's words: one object, or the chunks of a stream. */

import type { Answer } from "./answer.js";
import type { Wanted } from "./openai-parameters.js";
import type { ChatChunk, ChatCompletion, ChoiceLogprobs, TokenLogprob, Usage } from "./openai-types.js";
import type { AnswerResult, TextDelta } from "./types.js";

/** What all objects of one answer share. */
export interface Reply {
  head: Pick<ChatChunk, "id" | "created" | "model">;
  wanted: Wanted;
  notices: string[];
}

/** The lowest log-probability that is written: JSON has no −∞. */
const LEAST = -9999;

export function completion({ head, wanted, notices }: Reply, result: AnswerResult): ChatCompletion {
  const { text: content, finishReason: finish_reason } = result;
  const message = { role: "assistant" as const, content, refusal: null };
  const choice = { index: 0 as const, message, logprobs: wanted.logprobs ? logprobsOf(result) : null, finish_reason };
  return { ...head, object: "chat.completion", choices: [choice], usage: usage(result), ...told(notices, result) };
}

/** The chunks of an answer, of which `first` has been read. Leaving the loop cancels it. */
export async function* chunks(
  { head, wanted, notices }: Reply,
  answer: Answer,
  deltas: AsyncGenerator<TextDelta>,
  first: IteratorResult<TextDelta>,
): AsyncGenerator<ChatChunk> {
  const chunk = (choices: ChatChunk["choices"], used: Usage | null = null): ChatChunk => {
    return { ...head, object: "chat.completion.chunk", choices, ...(wanted.usage ? { usage: used } : {}) };
  };
  const open = { index: 0, logprobs: null, finish_reason: null } as const;
  try {
    yield chunk([{ ...open, delta: { role: "assistant", content: "" } }]);
    for (let next = first; !next.done; next = await deltas.next()) yield chunk([{ ...open, delta: { content: next.value.text } }]);
    const result = await answer.result;
    const logprobs = wanted.logprobs ? logprobsOf(result) : null;
    yield { ...chunk([{ index: 0, delta: {}, logprobs, finish_reason: result.finishReason }]), ...told(notices, result) };
    if (wanted.usage) yield chunk([], usage(result));
  } finally {
    answer.cancel(); // the caller has left the loop
  }
}

function told(notices: string[], result: AnswerResult): { notices?: string[] } {
  const all = [...notices, ...result.notices];
  return all.length > 0 ? { notices: all } : {};
}

function logprobsOf({ tokenTexts, logprobs, alternatives }: AnswerResult): ChoiceLogprobs {
  const token = ({ text, logprob }: { text: string; logprob: number }): TokenLogprob => {
    return { token: text, bytes: utf8(text), logprob: Math.max(logprob, LEAST) };
  };
  const content = tokenTexts.map((text, at) => {
    return { ...token({ text, logprob: logprobs[at] ?? LEAST }), top_logprobs: (alternatives?.[at] ?? []).map(token) };
  });
  return { content, refusal: null };
}

function utf8(text: string): number[] | null {
  return text.includes("\ufffd") ? null : [...new TextEncoder().encode(text)];
}

function usage({ promptTokens: prompt_tokens, tokens: { length: completion_tokens } }: AnswerResult): Usage {
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}
