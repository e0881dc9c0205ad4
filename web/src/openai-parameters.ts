/** The parameters of a request in OpenAI's format, beside its messages. What this model cannot do is refused by name, never ignored. */

import { BadRequest } from "./errors.js";
import type { ChatRequest } from "./openai-types.js";
import type { AskOptions } from "./types.js";

/** The engine's positions less those of the longest prompt: tokens of the longest answer. */
const MOST_NEW_TOKENS = 2048 - 512;
const MOST_ALTERNATIVES = 20;
/** Stands for any JSON object where a schema may. */
const ANY_OBJECT = "object";
const MOST_STOPS = 4;

/** Parameters that are served, and labels that have no effect on an answer. */
const SERVED = new Set([
  ...["messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p", "seed", "stop"],
  ...["logprobs", "top_logprobs", "response_format"],
  ...["model", "user", "metadata", "safety_identifier", "prompt_cache_key", "service_tier"],
]);

/** Parameters of which one value is what this model does anyway. */
const NEUTRAL: Record<string, (value: unknown) => boolean> = {
  n: (value) => value === 1,
  tools: isEmpty,
  functions: isEmpty,
  tool_choice: callsNothing,
  function_call: callsNothing,
  parallel_tool_calls: (value) => typeof value === "boolean",
  modalities: (value) => Array.isArray(value) && value.length === 1 && value[0] === "text",
  frequency_penalty: (value) => value === 0,
  presence_penalty: (value) => value === 0,
  logit_bias: (value) => typeof value === "object" && Object.keys(value as object).length === 0,
  store: (value) => value === false,
};

const NO_CALLS = "; this model answers questions about audio and calls nothing: leave it out";

/** What to do instead, where there is something. */
const REMEDIES: Record<string, string> = {
  n: "; one answer is given per request: send it again, with another seed",
  tools: NO_CALLS,
  functions: NO_CALLS,
  tool_choice: NO_CALLS,
  function_call: NO_CALLS,
};

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function callsNothing(value: unknown): boolean {
  return value === "none" || value === "auto";
}

/** What a request wants beside its answer's text. */
export interface Wanted {
  stream: boolean;
  logprobs: boolean;
  /** Of a stream: a last chunk with the usage. */
  usage: boolean;
}

/** Reads the parameters. Throws `BadRequest` naming the first that cannot be served. */
export function readParameters(request: ChatRequest): Wanted & { ask: AskOptions } {
  if (typeof request !== "object" || request === null) throw new BadRequest("a request is an object with messages");
  const given = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== null && value !== undefined));
  for (const [name, value] of Object.entries(given)) {
    if (SERVED.has(name) || NEUTRAL[name]?.(value)) continue;
    throw new BadRequest(`${name}: ${shown(value)} is not supported by this model${REMEDIES[name] ?? ""}`);
  }
  const [stream, logprobs] = [flag(given, "stream"), flag(given, "logprobs")];
  const topLogprobs = number(given, "top_logprobs", 0, MOST_ALTERNATIVES, true);
  if (topLogprobs && !logprobs) throw new BadRequest("top_logprobs needs logprobs: true");
  const limit = number(given, "max_completion_tokens", 1, Infinity, true);
  const oldLimit = number(given, "max_tokens", 1, Infinity, true);
  const maxNewTokens = limit ?? oldLimit;
  const ask = {
    maxNewTokens: maxNewTokens && Math.min(maxNewTokens, MOST_NEW_TOKENS),
    temperature: number(given, "temperature", 0, 2),
    topP: number(given, "top_p", 0, 1),
    seed: seed(given),
    stop: stops(given),
    topLogprobs,
    jsonSchema: schema(given),
  };
  const set = Object.fromEntries(Object.entries(ask).filter(([, value]) => value !== undefined)) as AskOptions;
  return { stream, logprobs, usage: includeUsage(given, stream), ask: set };
}

type Given = Record<string, unknown>;

/** A value in a message, cut where it is long. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function wrong(name: string, value: unknown, must: string): BadRequest {
  return new BadRequest(`${name} is ${shown(value)}, but must be ${must}`);
}

function flag(given: Given, name: string): boolean {
  const value = given[name] ?? false;
  if (typeof value !== "boolean") throw wrong(name, value, "true or false");
  return value;
}

function number(given: Given, name: string, least: number, most: number, whole = false): number | undefined {
  const value = given[name];
  if (value === undefined) return undefined;
  const fits = typeof value === "number" && value >= least && value <= most && (!whole || Number.isInteger(value));
  const kind = whole ? "a whole number" : "a number";
  if (!fits) throw wrong(name, value, most === Infinity ? `${kind}, ${least} or more` : `${kind} from ${least} to ${most}`);
  return value;
}

/** A negative seed is another one from the upper end, as the engine counts from 0. */
function seed(given: Given): number | undefined {
  const value = given["seed"];
  if (value === undefined) return undefined;
  if (!Number.isSafeInteger(value)) throw wrong("seed", value, "a whole number");
  return (value as number) < 0 ? (value as number) + Number.MAX_SAFE_INTEGER : (value as number);
}

function stops(given: Given): string[] | undefined {
  const value = given["stop"];
  if (value === undefined) return undefined;
  const texts: unknown[] = Array.isArray(value) ? value : [value];
  const fine = texts.length <= MOST_STOPS && texts.every((text) => typeof text === "string" && text !== "");
  if (!fine) throw wrong("stop", value, `a text or up to ${MOST_STOPS} texts, none empty`);
  return texts as string[];
}

function schema(given: Given): AskOptions["jsonSchema"] {
  const value = given["response_format"] as { type?: unknown; json_schema?: { schema?: unknown } } | undefined;
  if (value === undefined || value.type === "text") return undefined;
  if (value.type === "json_object") return ANY_OBJECT;
  if (value.type !== "json_schema") throw wrong("response_format", value, "an object of type text, json_object or json_schema");
  const found = value.json_schema?.schema;
  if (typeof found !== "object" || found === null) {
    throw new BadRequest("response_format: json_schema.schema is missing; give the schema there");
  }
  return found;
}

function includeUsage(given: Given, stream: boolean): boolean {
  const value = given["stream_options"];
  if (value === undefined) return false;
  if (!stream) throw new BadRequest("stream_options needs stream: true");
  const { include_usage, include_obfuscation, ...others } = Object(value) as Given;
  const usage = include_usage ?? false;
  const fine = typeof value === "object" && typeof usage === "boolean" && include_obfuscation !== true && Object.keys(others).length === 0;
  if (!fine) throw wrong("stream_options", value, "an object with include_usage");
  return usage;
}
