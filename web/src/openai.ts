/** An adapter with the interface of OpenAI's chat completions, for code written against it. */

import { guarded } from "./guard.js";
import type { Clip } from "./clip.js";
import type { Model } from "./model.js";
import { type ChatRequest, audioBytes, checkRequest, lastQuestion, toAskOptions } from "./openai-request.js";
import type { AnswerResult } from "./types.js";

export type { ChatMessage, ChatRequest, ContentPart } from "./openai-request.js";

interface Choice {
  index: 0;
  /** With `logprobs`: of all tokens, in a stream in the last chunk of the answer; else null. */
  logprobs: ChoiceLogprobs | null;
  finish_reason: "stop" | "length" | null;
}

export interface TokenLogprob {
  token: string;
  /** UTF-8; null for a part of a character. */
  bytes: number[] | null;
  logprob: number;
}

export interface ChoiceLogprobs {
  content: (TokenLogprob & { top_logprobs: TokenLogprob[] })[];
  refusal: null;
}

export interface ChatCompletion {
  id: string;
  object: "chat.completion";
  created: number;
  model: string;
  choices: [Choice & { message: { role: "assistant"; content: string } }];
  usage: Usage;
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

export interface ChatChunk {
  id: string;
  object: "chat.completion.chunk";
  created: number;
  model: string;
  /** Empty in the chunk that reports the usage. */
  choices: (Choice & { delta: { role?: "assistant"; content?: string } })[];
  /** With `stream_options.include_usage`: null, and in one more chunk at the end the usage. */
  usage?: Usage | null;
}

/** Clips whose keys and values stay on the GPU for further questions. */
const CACHED_CLIPS = 4;

/** `createOpenAI(model).chat.completions.create({ messages, stream })`. */
export function createOpenAI(model: Model) {
  const clips = new ClipCache(model);
  function create(request: ChatRequest & { stream: true }, options?: { signal?: AbortSignal }): Promise<AsyncIterable<ChatChunk>>;
  function create(request: ChatRequest & { stream?: false }, options?: { signal?: AbortSignal }): Promise<ChatCompletion>;
  function create(request: ChatRequest, { signal }: { signal?: AbortSignal } = {}): Promise<ChatCompletion | AsyncIterable<ChatChunk>> {
    return guarded(async () => {
      checkRequest(request);
      const { data, format, question } = lastQuestion(request.messages);
      const clip = await clips.get(data, format, signal);
      const answer = clip.ask(question, { ...toAskOptions(request), ...(signal ? { signal } : {}) });
      const head = { id: `chatcmpl-${crypto.randomUUID()}`, created: Math.floor(Date.now() / 1000), model: model.info.name };
      const logprobs = request.logprobs === true;
      if (request.stream) return chunks(head, answer, { logprobs, usage: request.stream_options?.include_usage === true });
      return completion(head, await answer.result, logprobs);
    }, signal);
  }
  return { chat: { completions: { create } } };
}

type Head = Pick<ChatChunk, "id" | "created" | "model">;

/** What an answer is asked to report beside its text. */
interface Wanted {
  logprobs: boolean;
  usage: boolean;
}

function completion(head: Head, result: AnswerResult, logprobs: boolean): ChatCompletion {
  const { text: content, finishReason: finish_reason } = result;
  const message = { role: "assistant" as const, content };
  const choice = { index: 0 as const, message, logprobs: logprobs ? logprobsOf(result) : null, finish_reason };
  return { ...head, object: "chat.completion", choices: [choice], usage: usage(result) };
}

async function* chunks(head: Head, answer: ReturnType<Clip["ask"]>, wanted: Wanted): AsyncGenerator<ChatChunk> {
  const chunk = (choices: ChatChunk["choices"], used: Usage | null = null): ChatChunk => {
    return { ...head, object: "chat.completion.chunk", choices, ...(wanted.usage ? { usage: used } : {}) };
  };
  const open = { index: 0, logprobs: null, finish_reason: null } as const;
  try {
    yield chunk([{ ...open, delta: { role: "assistant", content: "" } }]);
    for await (const { text } of answer) yield chunk([{ ...open, delta: { content: text } }]);
    const result = await answer.result;
    yield chunk([{ index: 0, delta: {}, logprobs: wanted.logprobs ? logprobsOf(result) : null, finish_reason: result.finishReason }]);
    if (wanted.usage) yield chunk([], usage(result));
  } finally {
    answer.cancel(); // the caller has left the loop
  }
}

function logprobsOf({ tokenTexts, logprobs, alternatives }: AnswerResult): ChoiceLogprobs {
  const token = ({ text, logprob }: { text: string; logprob: number }): TokenLogprob => ({ token: text, bytes: utf8(text), logprob });
  const content = tokenTexts.map((text, at) => {
    return { ...token({ text, logprob: logprobs[at] ?? -Infinity }), top_logprobs: (alternatives?.[at] ?? []).map(token) };
  });
  return { content, refusal: null };
}

function utf8(text: string): number[] | null {
  return text.includes("\ufffd") ? null : [...new TextEncoder().encode(text)];
}

function usage({ promptTokens: prompt_tokens, tokens: { length: completion_tokens } }: AnswerResult): Usage {
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

/** The clips used last, by content, so that a conversation about one clip encodes it once. */
class ClipCache {
  readonly #clips = new Map<string, Promise<Clip>>();

  constructor(private readonly model: Model) {}

  async get(data: string, format: string, signal?: AbortSignal): Promise<Clip> {
    const key = `${format}:${data}`;
    const clip = this.#clips.get(key) ?? this.#encode(data, format, signal);
    this.#clips.delete(key);
    this.#clips.set(key, clip);
    clip.catch(() => this.#clips.delete(key));
    this.#evict();
    return clip;
  }

  async #encode(data: string, format: string, signal?: AbortSignal): Promise<Clip> {
    return this.model.listen(new File([audioBytes(data)], `sound.${format}`), signal ? { signal } : {});
  }

  #evict(): void {
    for (const [key, clip] of this.#clips) {
      if (this.#clips.size <= CACHED_CLIPS) return;
      this.#clips.delete(key);
      void clip.then((old) => old.dispose(), () => undefined);
    }
  }
}
