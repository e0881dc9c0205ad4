/** Checks what callers pass, before anything is started. */

import { BadRequest } from "./errors.js";
import type { AskOptions, LoadOptions } from "./types.js";

const ENGINES = ["auto", "webgpu", "cpu"];
const CACHES = ["opfs", "cache-api", "none"];
const WEIGHTS = ["q4", "q8", "f16", "f32"];
const POWER = ["low-power", "high-performance"];
const METHODS = ["effect", "attention"];

/** Most shards fetched at once. Browsers open six connections to a server. */
const PARALLEL_LIMIT = 16;

export function checkLoadOptions(options: LoadOptions): void {
  oneOf("engine", options.engine, ENGINES);
  oneOf("cache", options.cache, CACHES);
  oneOf("powerPreference", options.powerPreference, POWER);
  oneOf("weights", options.weights, WEIGHTS);
  whole("parallel", options.parallel, 1, PARALLEL_LIMIT);
  milliseconds("retryFor", options.retryFor);
  milliseconds("idleTimeout", options.idleTimeout);
}

export function checkEngine(engine: unknown): void {
  oneOf("engine", engine, ENGINES);
}

export function checkMaxWindows(maxWindows: number | undefined): void {
  whole("maxWindows", maxWindows, 1, 100_000);
}

const NUMBERS = ["maxNewTokens", "temperature", "topK", "topP", "minP", "repetitionPenalty", "seed", "topLogprobs"] as const;

/** Types only: the engine checks the ranges. */
export function checkQuestion(question: unknown, options: Omit<AskOptions, "signal"> = {}): void {
  if (typeof question !== "string") throw new BadRequest(`a question is a string, not ${typeof question}`);
  for (const name of NUMBERS) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== "number") throw new BadRequest(`${name} must be a number, not ${typeof value}`);
  }
  for (const name of ["stop", "choices"] as const) {
    const texts: unknown = options[name];
    const strings = Array.isArray(texts) && texts.every((text) => typeof text === "string");
    if (texts !== undefined && !strings) throw new BadRequest(`${name} must be an array of strings`);
  }
}

/** The options as the engine reads them: a schema as its text. */
export function wireOptions<Options extends AskOptions>(options: Options): Options {
  const { jsonSchema } = options;
  if (jsonSchema === undefined || typeof jsonSchema === "string") return options;
  if (typeof jsonSchema !== "object") throw new BadRequest("jsonSchema must be an object or its text");
  try {
    return { ...options, jsonSchema: JSON.stringify(jsonSchema) };
  } catch (error) {
    throw new BadRequest(`jsonSchema is no JSON: ${String(error)}`);
  }
}

/** What an answer is chosen from. */
export function checkOptions(options: unknown): void {
  const fine = Array.isArray(options) && options.length >= 2 && options.every((option) => typeof option === "string" && option !== "");
  if (!fine) throw new BadRequest("options must be an array of at least two texts, none of them empty");
}

/** An answer to be located, and how. */
export function checkWhere(answer: unknown, method: unknown): void {
  oneOf("method", method, METHODS);
  const fine = typeof answer === "string" ? answer !== "" : typeof answer === "object" && answer !== null;
  if (!fine) throw new BadRequest("give an answer of `clip.ask`, or its text");
}

export function checkSeconds(name: string, value: unknown): void {
  if (value === undefined || (typeof value === "number" && value > 0 && value < Infinity)) return;
  throw new BadRequest(`${name} is ${String(value)}, but must be seconds above 0`);
}

export function checkSearch(top: number, minConfidence: unknown): void {
  whole("top", top, 1, 10_000);
  checkProbability("minConfidence", minConfidence);
}

export function checkProbability(name: string, value: unknown): void {
  if (typeof value === "number" && value >= 0 && value <= 1) return;
  throw new BadRequest(`${name} is ${String(value)}, but must be 0 to 1`);
}

export function checkChannel(channel: unknown): void {
  if (channel === undefined || channel === "mix" || (Number.isInteger(channel) && (channel as number) >= 1)) return;
  throw new BadRequest(`channel is "${String(channel)}", but must be a number from 1, or "mix"`);
}

function oneOf(name: string, value: unknown, allowed: string[]): void {
  if (value === undefined || allowed.includes(value as string)) return;
  throw new BadRequest(`${name} is "${String(value)}", but must be one of ${allowed.join(", ")}`);
}

function whole(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return;
  throw new BadRequest(`${name} is ${value}, but must be a whole number from ${least} to ${most}`);
}

function milliseconds(name: string, value: number | undefined): void {
  if (value !== undefined && !(value >= 0)) throw new BadRequest(`${name} is ${value}, but must be milliseconds from 0`);
}
