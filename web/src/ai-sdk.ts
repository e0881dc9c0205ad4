/**
 * The model as a language model of the AI SDK (`ai`, version 7 or newer): `generateText({ model: audioFlamingo(model), messages })`.
 *
 * It answers the last text of the user about the last audio file of the user. What it does not do ends in a warning of the answer, and audio
 * or JSON that it cannot serve in an error.
 */

import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FilePart,
  LanguageModelV4GenerateResult,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
  SharedV4Warning,
} from "@ai-sdk/provider";
import type { Answer } from "./answer.js";
import { fromBase64 } from "./base64.js";
import { ClipCache, type GivenAudio } from "./clip-cache.js";
import { BadRequest } from "./errors.js";
import { guarded } from "./guard.js";
import type { Model } from "./model.js";
import type { AnswerResult, AskOptions } from "./types.js";

/** A loaded model for `generateText` and `streamText`. It caches the clips that were asked about last. */
export function audioFlamingo(model: Model): LanguageModelV4 {
  const clips = new ClipCache(model);
  const ask = (options: LanguageModelV4CallOptions): Promise<Answer> => {
    return guarded(async () => {
      const { question, audio } = lastQuestion(options.prompt);
      const settings = toAskOptions(options);
      const { clip, release } = await clips.lease(audio, options.abortSignal);
      const answer = clip.ask(question, settings);
      answer.result.then(release, release);
      return answer;
    }, options.abortSignal);
  };
  return {
    specificationVersion: "v4",
    provider: "audio-flamingo-2-webgpu",
    modelId: model.info.name,
    supportedUrls: {}, // the SDK fetches files
    async doGenerate(options) {
      const result = await (await ask(options)).result;
      return { content: [{ type: "text", text: result.text }], ...outcome(result), warnings: warnings(options), response: response(model) };
    },
    async doStream(options) {
      return { stream: streamOf(await ask(options), { type: "stream-start", warnings: warnings(options) }, response(model)) };
    },
  };
}

type StreamStart = Extract<LanguageModelV4StreamPart, { type: "stream-start" }>;
type Response = NonNullable<LanguageModelV4GenerateResult["response"]>;

function response(model: Model): Response {
  return { id: crypto.randomUUID(), timestamp: new Date(), modelId: model.info.name };
}

/** The answer in the SDK's parts. Whoever leaves the stream cancels the answer. */
function streamOf(answer: Answer, start: StreamStart, metadata: Response): ReadableStream<LanguageModelV4StreamPart> {
  const id = "0";
  return new ReadableStream({
    async start(stream) {
      stream.enqueue(start);
      stream.enqueue({ type: "response-metadata", ...metadata });
      stream.enqueue({ type: "text-start", id });
      try {
        for await (const { text } of answer) if (text !== "") stream.enqueue({ type: "text-delta", id, delta: text });
        stream.enqueue({ type: "text-end", id });
        stream.enqueue({ type: "finish", ...outcome(await answer.result) });
      } catch (error) {
        stream.enqueue({ type: "error", error });
      }
      stream.close();
    },
    cancel: () => answer.cancel(),
  });
}

/** How an answer ended; what is this model's own is under `audioFlamingo`. */
function outcome(result: AnswerResult): Pick<LanguageModelV4GenerateResult, "finishReason" | "usage" | "providerMetadata"> {
  const { finishReason, promptTokens, tokens, confidence, notices } = result;
  return {
    finishReason: { unified: finishReason, raw: finishReason },
    usage: {
      inputTokens: { total: promptTokens, noCache: promptTokens, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: tokens.length, text: tokens.length, reasoning: 0 },
    },
    providerMetadata: { audioFlamingo: { confidence, notices } },
  };
}

function lastQuestion(prompt: LanguageModelV4Prompt): { question: string; audio: GivenAudio } {
  let [question, audio]: [string, GivenAudio | undefined] = ["", undefined];
  for (const message of prompt) {
    if (message.role !== "user") continue;
    const texts = message.content.flatMap((part) => (part.type === "text" ? part.text.trim() : []));
    question = texts.filter(Boolean).join(" ") || question;
    for (const part of message.content) if (part.type === "file") audio = audioOf(part);
  }
  if (question === "") throw new BadRequest("the messages hold no question; add a text part to the last user message");
  if (audio === undefined) throw new BadRequest("the messages hold no audio; add a file part with the media type of audio, such as audio/wav");
  return { question, audio };
}

function audioOf({ data, mediaType }: LanguageModelV4FilePart): GivenAudio {
  const [kind, format = ""] = mediaType.split(";")[0]?.split("/") ?? [];
  if (kind !== "audio" && kind !== "video") throw new BadRequest(`a file of type ${mediaType} is not supported by this model; it hears audio`);
  if (data.type !== "data") throw new BadRequest(`a file as ${data.type} is not supported by this model; send its bytes`);
  const bytes = typeof data.data === "string" ? fromBase64(data.data) : Uint8Array.from(data.data);
  return { bytes, format };
}

function toAskOptions(options: LanguageModelV4CallOptions): AskOptions {
  const { maxOutputTokens: maxNewTokens, temperature, topP, topK, seed, stopSequences: stop, responseFormat, abortSignal: signal } = options;
  const jsonSchema = responseFormat?.type === "json" ? (responseFormat.schema ?? "object") : undefined;
  const wanted = { maxNewTokens, temperature, topP, topK, seed, stop, jsonSchema, signal };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined)) as AskOptions;
}

function warnings({ prompt, tools, presencePenalty, frequencyPenalty, reasoning }: LanguageModelV4CallOptions): SharedV4Warning[] {
  const passedOver = {
    "system messages": prompt.some(({ role }) => role === "system"),
    tools: tools !== undefined && tools.length > 0,
    presencePenalty: Boolean(presencePenalty),
    frequencyPenalty: Boolean(frequencyPenalty),
    reasoning: reasoning !== undefined && reasoning !== "provider-default" && reasoning !== "none",
  };
  const details = "the model answers one question about one clip: this was passed over";
  return Object.entries(passedOver).flatMap(([feature, given]) => (given ? { type: "unsupported", feature, details } : []));
}
