/** Runs the steps of work on long audio. */

import type { TaskRequest, TaskStep } from "./engine.js";
import { type ReadRange, reader } from "./reader.js";
import type { Session } from "./session.js";
import { release } from "./windows.js";

/** A task that `run` steps through. Other calls get their turn between two steps. */
export interface Running {
  begin(file: Blob, name: string, modified: number): Promise<void>;
  /** The results of all steps until there is nothing left to do. */
  steps(): AsyncGenerator<TaskStep>;
}

export async function run<T>(session: Session, request: TaskRequest, signal: AbortSignal, work: (task: Running) => Promise<T>): Promise<T> {
  const { model } = session.need();
  const task = await session.inTurn(signal, () => model.task(request));
  async function* steps(): AsyncGenerator<TaskStep> {
    const step = () => session.inTurn(signal, () => task.step(model, signal)) as Promise<TaskStep | undefined>;
    for (let next = await step(); next !== undefined; next = await step()) yield next;
  }
  const begin = async (blob: Blob, name: string, modified: number) => task.begin({ ...(await file(blob)), name, modified });
  try {
    return await work({ begin, steps });
  } finally {
    release(task);
  }
}

/** A file as the engine reads it. */
export async function file(blob: Blob): Promise<{ read: ReadRange; length: number }> {
  return { read: await reader(blob), length: blob.size };
}
