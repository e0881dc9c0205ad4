/** An adapter with the interface of OpenAI's chat completions, for code written against it. */

import { fromBase64 } from "./base64.js";
import { ClipCache, type GivenAudio, type Lease } from "./clip-cache.js";
import { BadRequest } from "./errors.js";
import { guarded } from "./guard.js";
import type { Model } from "./model.js";
import { chunks, completion } from "./openai-answer.js";
import { type Asked, readMessages } from "./openai-messages.js";
import { readParameters } from "./openai-parameters.js";
import type { ChatChunk, ChatCompletion, ChatRequest } from "./openai-types.js";

export type * from "./openai-types.js";

export interface OpenAIOptions {
  /** Which `http:` and `https:` addresses of `audio_url` may be fetched. Default: none. `true`: all; `"same-origin"`: those of this page. */
  allowUrls?: boolean | "same-origin";
}

/** `createOpenAI(model).chat.completions.create({ messages, stream })`. */
export function createOpenAI(model: Model, { allowUrls = false }: OpenAIOptions = {}) {
  const clips = new ClipCache(model);
  function create(request: ChatRequest & { stream: true }, options?: { signal?: AbortSignal }): Promise<AsyncIterable<ChatChunk>>;
  function create(request: ChatRequest & { stream?: false | null }, options?: { signal?: AbortSignal }): Promise<ChatCompletion>;
  function create(request: ChatRequest, { signal }: { signal?: AbortSignal } = {}): Promise<ChatCompletion | AsyncIterable<ChatChunk>> {
    return guarded(async () => {
      const { ask, ...wanted } = readParameters(request);
      const { question, audio, notices } = readMessages(request.messages);
      const lease = await clips.lease(await fetched(audio, allowUrls, signal), signal);
      const answer = asking(lease, question, { ...ask, ...(signal ? { signal } : {}) });
      const head = { id: `chatcmpl-${crypto.randomUUID()}`, created: Math.floor(Date.now() / 1000), model: model.info.name };
      if (!wanted.stream) return completion({ head, wanted, notices }, await answer.result);
      const deltas = answer[Symbol.asyncIterator]();
      const first = await deltas.next(); // what fails before the first delta rejects `create`
      return chunks({ head, wanted, notices }, answer, deltas, first);
    }, signal);
  }
  return { chat: { completions: { create } } };
}

/** Asks, and gives the clip back when the answer has ended. */
function asking({ clip, release }: Lease, ...question: Parameters<Lease["clip"]["ask"]>): ReturnType<Lease["clip"]["ask"]> {
  const answer = clip.ask(...question);
  answer.result.then(release, release);
  return answer;
}

async function fetched(audio: Asked["audio"], allowed: boolean | "same-origin", signal?: AbortSignal): Promise<GivenAudio> {
  if ("base64" in audio) return { bytes: fromBase64(audio.base64), format: audio.format };
  const url = new URL(audio.url);
  if (allowed !== true && (allowed !== "same-origin" || url.origin !== location.origin)) {
    throw new BadRequest(`audio_url: ${url.origin} is not fetched (createOpenAI's option allowUrls lets it); send a data URL with the file in base64`);
  }
  const response = await fetch(url, signal ? { signal } : {}).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw Object.assign(new BadRequest(`audio_url: ${url.href} could not be fetched: ${String(error)}`), { cause: error });
  });
  if (!response.ok) throw new BadRequest(`audio_url: ${url.href}: the server answered ${response.status}`);
  return { bytes: new Uint8Array(await response.arrayBuffer()), format: url.pathname.split(".").at(-1) ?? "" };
}
