/** Which engine answers: WebGPU where an adapter does, else the processor for the models that it can hold. */

import { megabytes } from "./bytes.js";
import { InsufficientMemory, NoWebGpu } from "./errors.js";
import type { AdapterReport, EngineChoice, EngineKind } from "./types.js";

/**
 * Most memory that a model may take on the processor. A wasm module can address 4 GiB and never gives back what it grew to,
 * the sounds' encoding needs room beside the weights, and phones grant a tab far less than the 4 GiB.
 */
const PROCESSOR_LIMIT = 1.5e9;

/** What decides whether a model fits. */
interface Size {
  name: string;
  parameters: number | undefined;
  totalBytes: number;
}

/** The engine to use; `model` is undefined before one is known. */
export function chooseEngine(wish: EngineChoice, adapter: AdapterReport | undefined, model: Size | undefined): EngineKind {
  if (wish !== "processor" && adapter) return "webgpu";
  if (wish === "webgpu") throw new NoWebGpu(`this browser offers no WebGPU adapter: ${REMEDY}`);
  const needed = model ? processorBytes(model) : 0;
  if (!model || needed <= PROCESSOR_LIMIT) return "processor";
  const limit = `${model.name} needs ${megabytes(needed)} on the processor, which serves models up to ${megabytes(PROCESSOR_LIMIT)}`;
  if (wish === "auto") throw new NoWebGpu(`this browser offers no WebGPU adapter, and ${limit}: ${REMEDY}, or choose a smaller model`);
  throw new InsufficientMemory(limit, { needed, available: PROCESSOR_LIMIT, suggestion: "use WebGPU, or choose a smaller model" });
}

const REMEDY = "use a recent Chrome, Edge, Safari or Firefox with hardware acceleration on";

/** While a model is loaded its shards lie beside their weights in float32. Without a count, two weights fill a byte. */
function processorBytes({ parameters, totalBytes }: Size): number {
  return 4 * (parameters ?? 2 * totalBytes) + totalBytes;
}
