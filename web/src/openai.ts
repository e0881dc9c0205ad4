/** An adapter with the interface of OpenAI's chat completions, for code written against it. */

import { BadRequest } from "./errors.js";
import type { Clip, Model } from "./model.js";
import type { AnswerResult, AskOptions } from "./types.js";

export type ContentPart =
  | { type: "text"; text: string }
  | { type: "input_audio"; input_audio: { data: string; format: string } };

export interface ChatMessage {
  role: "system" | "developer" | "user" | "assistant";
  content: string | ContentPart[];
}

export interface ChatRequest {
  messages: ChatMessage[];
  model?: string;
  stream?: boolean;
  max_tokens?: number;
  max_completion_tokens?: number;
  temperature?: number;
  top_p?: number;
  seed?: number;
  stop?: string | string[];
}

interface Choice {
  index: 0;
  finish_reason: "stop" | "length" | null;
}

export interface ChatCompletion {
  id: string;
  object: "chat.completion";
  created: number;
  model: string;
  choices: [Choice & { message: { role: "assistant"; content: string } }];
  usage: { completion_tokens: number };
}

export interface ChatChunk {
  id: string;
  object: "chat.completion.chunk";
  created: number;
  model: string;
  choices: [Choice & { delta: { role?: "assistant"; content?: string } }];
}

/** Clips whose keys and values stay on the GPU for further questions. */
const CACHED_CLIPS = 4;

/** `createOpenAI(model).chat.completions.create({ messages, stream })`. */
export function createOpenAI(model: Model) {
  const clips = new ClipCache(model);
  function create(request: ChatRequest & { stream: true }, options?: { signal?: AbortSignal }): Promise<AsyncIterable<ChatChunk>>;
  function create(request: ChatRequest & { stream?: false }, options?: { signal?: AbortSignal }): Promise<ChatCompletion>;
  async function create(
    request: ChatRequest,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<ChatCompletion | AsyncIterable<ChatChunk>> {
    const { data, format, question } = lastQuestion(request.messages);
    const clip = await clips.get(data, format, signal);
    const answer = clip.ask(question, { ...toAskOptions(request), ...(signal ? { signal } : {}) });
    const head = { id: `chatcmpl-${crypto.randomUUID()}`, created: Math.floor(Date.now() / 1000), model: model.info.name };
    return request.stream ? chunks(head, answer) : completion(head, await answer.result);
  }
  return { chat: { completions: { create } } };
}

type Head = Pick<ChatChunk, "id" | "created" | "model">;

function completion(head: Head, { text, tokens, finishReason }: AnswerResult): ChatCompletion {
  const choice = { index: 0 as const, message: { role: "assistant" as const, content: text }, finish_reason: finishReason };
  return { ...head, object: "chat.completion", choices: [choice], usage: { completion_tokens: tokens.length } };
}

async function* chunks(head: Head, answer: ReturnType<Clip["ask"]>): AsyncGenerator<ChatChunk> {
  const chunk = (delta: ChatChunk["choices"][0]["delta"], finish_reason: Choice["finish_reason"]): ChatChunk => {
    return { ...head, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason }] };
  };
  yield chunk({ role: "assistant", content: "" }, null);
  for await (const { text } of answer) yield chunk({ content: text }, null);
  yield chunk({}, (await answer.result).finishReason);
}

/** The last audio and the last text of the user. The model answers one question about one clip. */
function lastQuestion(messages: ChatMessage[]): { data: string; format: string; question: string } {
  const parts = messages
    .filter(({ role }) => role === "user")
    .flatMap(({ content }) => (typeof content === "string" ? [{ type: "text" as const, text: content }] : content));
  const audio = parts.findLast((part) => part.type === "input_audio");
  const text = parts.findLast((part) => part.type === "text");
  if (audio?.type !== "input_audio") throw new BadRequest("the messages hold no input_audio part");
  if (text?.type !== "text") throw new BadRequest("the messages hold no question");
  return { ...audio.input_audio, question: text.text };
}

function toAskOptions(request: ChatRequest): AskOptions {
  const { max_completion_tokens, max_tokens, temperature, top_p, seed, stop } = request;
  const maxNewTokens = max_completion_tokens ?? max_tokens;
  return {
    ...(maxNewTokens === undefined ? {} : { maxNewTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(top_p === undefined ? {} : { topP: top_p }),
    ...(seed === undefined ? {} : { seed }),
    ...(stop === undefined ? {} : { stop: typeof stop === "string" ? [stop] : stop }),
  };
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
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    return this.model.listen(new File([bytes], `sound.${format}`), signal ? { signal } : {});
  }

  #evict(): void {
    for (const [key, clip] of this.#clips) {
      if (this.#clips.size <= CACHED_CLIPS) return;
      this.#clips.delete(key);
      void clip.then((old) => old.dispose(), () => undefined);
    }
  }
}
