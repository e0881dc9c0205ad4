/** Checks a request in OpenAI's format. What this model cannot do is refused by name, never ignored. */

import { BadRequest } from "./errors.js";
import type { AskOptions } from "./types.js";

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
  stream_options?: { include_usage?: boolean } | null;
  max_tokens?: number | null;
  max_completion_tokens?: number | null;
  temperature?: number | null;
  top_p?: number | null;
  seed?: number | null;
  stop?: string | string[] | null;
  /** Log-probabilities of the answer's tokens. */
  logprobs?: boolean | null;
  /** The most likely tokens to return beside each token, 0 to 20; needs `logprobs`. */
  top_logprobs?: number | null;
  /** One answer per request. */
  n?: 1 | null;
  response_format?: { type: "text" };
}

/** Parameters that are served, and labels that have no effect on an answer. */
const SERVED = new Set([
  ...["messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p", "seed", "stop"],
  ...["logprobs", "top_logprobs"],
  ...["model", "user", "metadata", "safety_identifier", "prompt_cache_key", "service_tier"],
]);

/** Parameters of which one value is what this model does anyway. */
const NEUTRAL: Record<string, (value: never) => boolean> = {
  n: (value: unknown) => value === 1,
  tools: isEmpty,
  functions: isEmpty,
  tool_choice: (value: unknown) => value === "none" || value === "auto",
  function_call: (value: unknown) => value === "none" || value === "auto",
  parallel_tool_calls: () => true,
  response_format: (value: { type?: unknown }) => value.type === "text",
  modalities: (value: unknown[]) => value.length === 1 && value[0] === "text",
  frequency_penalty: (value: unknown) => value === 0,
  presence_penalty: (value: unknown) => value === 0,
  logit_bias: (value: object) => Object.keys(value).length === 0,
  store: (value: unknown) => value === false,
};

const NO_CALLS = "this model answers questions about audio and calls nothing: leave it out";

/** What to do instead, where there is something. */
const REMEDIES: Record<string, string> = {
  n: "one answer is given per request: send it again, with another seed",
  tools: NO_CALLS,
  functions: NO_CALLS,
  response_format: 'answers are text: use { type: "text" }. `af2 ask --json-schema` of the command line gives JSON of a schema',
};

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** Throws `BadRequest` naming the first parameter that cannot be served. */
export function checkRequest(request: ChatRequest): void {
  if (typeof request !== "object" || request === null) throw new BadRequest("a request is an object with messages");
  for (const [name, value] of Object.entries(request)) {
    if (value === undefined || value === null || SERVED.has(name) || NEUTRAL[name]?.(value as never)) continue;
    const remedy = REMEDIES[name];
    throw new BadRequest(`${name}: ${JSON.stringify(value)?.slice(0, 100)} is not supported by this model${remedy ? `; ${remedy}` : ""}`);
  }
  if (!Array.isArray(request.messages)) throw new BadRequest("messages must be an array");
  if (request.stream_options && !request.stream) throw new BadRequest("stream_options needs stream: true");
  if (request.top_logprobs && !request.logprobs) throw new BadRequest("top_logprobs needs logprobs: true");
}

/** The last audio and the last text of the user. The model answers one question about one clip. */
export function lastQuestion(messages: ChatMessage[]): { data: string; format: string; question: string } {
  const parts = messages
    .filter(({ role }) => role === "user")
    .flatMap(({ content }) => (typeof content === "string" ? [{ type: "text" as const, text: content }] : content));
  const foreign = parts.find(({ type }) => type !== "input_audio" && type !== "text");
  if (foreign) throw new BadRequest(`a content part of type "${(foreign as { type: string }).type}" is not supported by this model`);
  const audio = parts.findLast((part) => part.type === "input_audio");
  const text = parts.findLast((part) => part.type === "text");
  if (audio?.type !== "input_audio") throw new BadRequest("the messages hold no input_audio part");
  if (text?.type !== "text") throw new BadRequest("the messages hold no question");
  return { ...audio.input_audio, question: text.text };
}

/** The bytes of an `input_audio` part. */
export function audioBytes(data: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  } catch {
    throw new BadRequest("input_audio.data is not base64");
  }
}

export function toAskOptions(request: ChatRequest): AskOptions {
  const { max_completion_tokens, max_tokens, temperature, top_p, seed, stop, top_logprobs } = request;
  const wanted = {
    maxNewTokens: max_completion_tokens ?? max_tokens,
    temperature,
    topP: top_p,
    seed,
    stop: typeof stop === "string" ? [stop] : stop,
    topLogprobs: top_logprobs,
  };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined && value !== null));
}
