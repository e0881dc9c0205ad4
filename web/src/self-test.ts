/** The self-test of a model: what its index expects for a fixed sound and question. The sound is that of `af2-core/src/engine/self_test.rs`. */

import type { EngineAnswer, EngineModel, StartedEngine } from "./engine.js";
import { BadModel, WrongNumbers } from "./errors.js";
import { release } from "./windows.js";

const RATE = 16_000;
/** Samples per period of the sweep's phase. */
const SLOPE = 16;

/** Throws `WrongNumbers` if the device gives other tokens than the model's index lists. */
export async function selfTest(engine: StartedEngine, model: EngineModel, config: string, listed: unknown, adapter: string, signal: AbortSignal): Promise<void> {
  const { question, ids } = checked(listed);
  const windows = engine.audioFromPcm(sweep(model.windowSeconds * RATE), 1, RATE, 1, undefined, config);
  const clip = await model.listen(windows, () => undefined, signal).finally(() => release(windows));
  const asked = clip.ask(question, { maxNewTokens: ids.length }, () => undefined, signal).finally(() => clip.free());
  const found = [...((await asked) as EngineAnswer).tokens];
  if (found.join() === ids.join()) return;
  const remedy = 'update the graphics driver, or load with { engine: "cpu" }';
  throw new WrongNumbers(`the driver of ${adapter} computes wrong numbers: the model's self-test gave the tokens ${found.join(", ")} instead of ${ids.join(", ")}: ${remedy}`);
}

/** A saw-tooth sweep, made of whole numbers only, in [-½, ½). */
function sweep(length: number): Float32Array {
  return Float32Array.from({ length }, (_, at) => ((Math.floor((at * at) / SLOPE) % 65_536) - 32_768) / 65_536);
}

function checked(listed: unknown): { question: string; ids: number[] } {
  const { question, ids } = (typeof listed === "object" && listed !== null ? listed : {}) as { question?: unknown; ids?: unknown };
  const fine = typeof question === "string" && Array.isArray(ids) && ids.length > 0 && ids.every(Number.isInteger);
  if (!fine) throw new BadModel("metadata.self_test in the model's index is no question with token ids: run `af2 doctor MODEL --record`");
  return { question, ids: ids as number[] };
}
