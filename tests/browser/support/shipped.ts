/** What the repository ships to be tried: models, sounds, and questions with sure answers. */

import { readFile, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { FlakyServer } from "./flaky-server.js";
import type { ModelFile } from "./model.js";

const DEMO = fileURLToPath(new URL("../../../weights/demo/", import.meta.url));

/** A question whose answer the demo model gives by a wide margin. */
export interface Sure {
  sound: string;
  question: string;
  expected: string;
}

/** Lead of the best logit over the second along an answer. */
const WIDE = 2.5;

export async function folder(path: string): Promise<ModelFile[]> {
  return Promise.all((await readdir(path)).map(async (name) => ({ name, body: await readFile(path + name) })));
}

/** Puts the demo model's sounds at `/sounds/` and returns the model's address. */
export async function serveDemo(server: FlakyServer): Promise<string> {
  server.serveFolder("/sounds/", `${DEMO}sounds/`);
  return server.serveModel("demo", await folder(`${DEMO}model/`));
}

/** One question for each of three sounds of one window. */
export async function sureAnswers(): Promise<Sure[]> {
  interface Listed {
    file: string;
    seconds: number;
    questions: { question: string; expected?: string; margin: number }[];
  }
  const sounds = JSON.parse(await readFile(`${DEMO}sounds/sounds.json`, "utf8")) as Listed[];
  const all = sounds.flatMap(({ file, seconds, questions }) => {
    const sure = questions.find(({ expected, margin }) => expected !== undefined && margin > WIDE);
    return sure && seconds <= 10 ? [{ sound: file, question: sure.question, expected: sure.expected! }] : [];
  });
  return all.slice(0, 3);
}
