/** The tests' toy model and the demo model, with their sounds, and questions whose answers have a wide margin. */

import { readFile, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { FlakyServer } from "./flaky-server.js";
import type { ModelFile } from "./synthetic-model.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const DEMO = `${ROOT}weights/demo/`;

/** A question that the demo model answers with a wide margin. */
export interface ClearAnswer {
  sound: string;
  question: string;
  expected: string;
}

/** Smallest margin of the best logit over the second, over all tokens of an answer. */
const MARGIN = 2.5;

export async function folder(path: string): Promise<ModelFile[]> {
  return Promise.all((await readdir(path)).map(async (name) => ({ name, body: await readFile(path + name) })));
}

/** Puts the tests' inputs at `/inputs/` and returns the address of the toy model in float32. */
export async function serveToy(server: FlakyServer): Promise<string> {
  server.serveFolder("/inputs/", `${ROOT}tests/fixtures/inputs/`);
  return server.serveModel("toy", await folder(`${ROOT}target/browser-models/toy-f32/`));
}

/** Puts the demo model's sounds at `/sounds/` and returns the model's address. */
export async function serveDemo(server: FlakyServer): Promise<string> {
  server.serveFolder("/sounds/", `${DEMO}sounds/`);
  return server.serveModel("demo", await folder(`${DEMO}model/`));
}

/** One question for each of three sounds of one window. */
export async function clearAnswers(): Promise<ClearAnswer[]> {
  interface Listed {
    file: string;
    seconds: number;
    questions: { question: string; expected?: string; margin: number }[];
  }
  const sounds = JSON.parse(await readFile(`${DEMO}sounds/sounds.json`, "utf8")) as Listed[];
  const all = sounds.flatMap(({ file, seconds, questions }) => {
    const clear = questions.find(({ expected, margin }) => expected !== undefined && margin > MARGIN);
    return clear && seconds <= 10 ? [{ sound: file, question: clear.question, expected: clear.expected! }] : [];
  });
  return all.slice(0, 3);
}
