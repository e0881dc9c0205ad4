/**
 * The question and the audio of a conversation in OpenAI's format. The model reads one question about one clip: the text of the last user
 * message that has text, and the last audio of the user messages. Instructions and earlier answers are passed over.
 */

import { BadRequest } from "./errors.js";

/** What a conversation comes down to. */
export interface Asked {
  question: string;
  audio: Inline | { url: string };
  /** What was passed over, one sentence each. */
  notices: string[];
}

/** Audio in the request. */
interface Inline {
  base64: string;
  format: string;
}

/** Also said of instructions that reach the model by other interfaces. */
export const PASSED_OVER = "the model reads one question about one clip; system and developer messages were passed over";

type Part = Record<string, unknown>;

export function readMessages(messages: unknown): Asked {
  if (!Array.isArray(messages)) throw new BadRequest("messages must be an array of messages");
  if (messages.length === 0) throw new BadRequest("messages is empty; send a user message with audio and a question");
  let question: string | undefined;
  let audio: Asked["audio"] | undefined;
  const notices: string[] = [];
  messages.forEach((message: unknown, at) => {
    const { role, content } = readMessage(message, at);
    if (role === "assistant") return;
    if (role !== "user") return void (notices[0] = PASSED_OVER);
    const parts = typeof content === "string" ? [{ type: "text", text: content }] : content;
    const said = readParts(parts, at);
    question = said.text || question;
    audio = said.audio ?? audio;
  });
  if (question === undefined) throw new BadRequest("the messages hold no question; add a text part to the last user message");
  if (audio === undefined) throw new BadRequest("the messages hold no audio; add an input_audio or audio_url part to a user message");
  return { question, audio, notices };
}

function readMessage(message: unknown, at: number): { role: string; content: string | Part[] } {
  if (typeof message !== "object" || message === null || Array.isArray(message)) {
    throw new BadRequest(`messages[${at}] must be an object with role and content`);
  }
  const { role, content = null } = message as { role?: unknown; content?: unknown };
  if (typeof role !== "string") throw new BadRequest(`messages[${at}] has no role; it is system, developer, user or assistant`);
  if (!["system", "developer", "user", "assistant"].includes(role)) {
    throw new BadRequest(`messages[${at}] has the role "${role.slice(0, 40)}"; it must be system, developer, user or assistant`);
  }
  const readable = typeof content === "string" || Array.isArray(content) || (content === null && role !== "user");
  if (!readable) throw new BadRequest(`the content of messages[${at}] must be a text or an array of parts`);
  return { role, content: content ?? [] };
}

function readParts(parts: Part[], at: number): { text: string; audio: Asked["audio"] | undefined } {
  const texts: string[] = [];
  let audio: Asked["audio"] | undefined;
  for (const part of parts) {
    const type: unknown = part?.["type"];
    if (typeof type !== "string") throw new BadRequest(`a part of messages[${at}] has no type; it is text, input_audio or audio_url`);
    if (type === "text") {
      const text = part["text"];
      if (typeof text !== "string") throw new BadRequest(`a text part of messages[${at}] has no text`);
      texts.push(text.trim());
      continue;
    }
    if (type !== "input_audio" && type !== "audio_url") {
      throw new BadRequest(`a content part of type "${type.slice(0, 40)}" is not supported by this model; it hears audio and reads text`);
    }
    if (audio !== undefined) throw new BadRequest(`messages[${at}] has several clips; send one clip per message`);
    audio = type === "input_audio" ? ofInput(part["input_audio"]) : ofUrl(part["audio_url"]);
  }
  return { text: texts.filter(Boolean).join(" "), audio };
}

function ofInput(input: unknown): Inline {
  const { data, format } = Object(input) as Part;
  if (typeof data !== "string") throw new BadRequest("an input_audio part has no data; send the file there, in base64");
  return { base64: data, format: typeof format === "string" ? format : "" };
}

/** Of `{ url }`, or of a bare text in its place. */
function ofUrl(value: unknown): Asked["audio"] {
  const url: unknown = typeof value === "string" ? value : (Object(value) as Part)["url"];
  if (typeof url !== "string") throw new BadRequest("an audio_url part has no url");
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === "http" || scheme === "https") return { url };
  if (scheme === "data") return ofDataUrl(url.slice("data:".length));
  if (scheme === undefined) throw new BadRequest("audio_url is no URL; send a data URL with the file in base64");
  throw new BadRequest(`audio_url starts with "${scheme.slice(0, 20)}"; send a data URL with the file in base64`);
}

function ofDataUrl(rest: string): Inline {
  const [, type, base64] = /^([^,]*);base64,(.*)$/is.exec(rest) ?? [];
  if (type === undefined || base64 === undefined) {
    throw new BadRequest("the data URL is not in base64; it must begin with data:audio/…;base64,");
  }
  return { base64, format: type.split(";")[0]?.split("/").at(-1) ?? "" };
}
