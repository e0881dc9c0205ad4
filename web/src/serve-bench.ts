/** The worker's side of measurements. */

import type { EngineBench, TuneResult } from "./engine.js";
import type { Context } from "./host.js";
import type { BenchArguments, Calls } from "./protocol.js";
import type { Session } from "./session.js";
import { cacheTuning } from "./tuning.js";

export async function bench(session: Session, { windows, tokens }: BenchArguments, { signal, emit }: Context<"bench">): Promise<Calls["bench"]["result"]> {
  const { model } = session.need();
  const onStep = (done: number, steps: number) => emit({ done, steps });
  const measured = await session.inTurn(signal, () => model.bench(windows, tokens, onStep, signal));
  const { encodeMs, audioKvMs, firstTokenMs, tokenMs, gpu: info } = measured as EngineBench;
  const times = { windows, tokens, encodeMs, audioKvMs, firstTokenMs, tokensPerSecond: 1000 / tokenMs };
  if (!info) return { ...times, perToken: undefined, gpu: undefined };
  const { dispatches, weightBytes: bytes, copyBytesPerSecond, matmulFlopsPerSecond, kernels, encoder, token } = info;
  const perToken = { dispatches, microsecondsPerDispatch: (1000 * tokenMs) / dispatches, bytes, bytesPerSecond: (1000 * bytes) / tokenMs };
  return { ...times, perToken, gpu: { copyBytesPerSecond, matmulFlopsPerSecond, kernels, encoder, token } };
}

export async function tune(session: Session, signal: AbortSignal): Promise<string> {
  const { model } = session.need();
  const { tuning, description } = (await session.inTurn(signal, () => model.tune())) as TuneResult;
  await cacheTuning(tuning);
  return description;
}
