/** Chooses the engine: WebGPU on a GPU, else the CPU if the model fits, else WebGPU on a software adapter. */

import { megabytes } from "./bytes.js";
import { InsufficientMemory, NoWebGpu } from "./errors.js";
import type { AdapterReport, EngineChoice, EngineKind } from "./types.js";

/**
 * Most bytes that a model may take on the CPU. A wasm module addresses 4 GiB and never shrinks, encoding needs room
 * beside the weights, and phones grant a tab far less than 4 GiB.
 */
const CPU_LIMIT = 1.5e9;

/** The figures that decide whether a model fits. */
interface Size {
  name: string;
  totalBytes: number;
}

/** The engine to use; `model` is undefined before one is known. */
export function chooseEngine(wish: EngineChoice, adapter: AdapterReport | undefined, model: Size | undefined): EngineKind {
  const needed = model?.totalBytes ?? 0; // matrices stay as they are stored
  const fits = needed <= CPU_LIMIT;
  // The demo model, on the same two cores: 1.2 s to load and 2.8 ms a token on the CPU, 7.3 s and 12 ms on SwiftShader.
  const slower = wish === "auto" && fits && adapter?.fallback;
  if (wish !== "cpu" && adapter && !slower) return "webgpu";
  if (wish === "webgpu") throw new NoWebGpu(`this browser offers no WebGPU adapter: ${REMEDY}`);
  if (!model || fits) return "cpu";
  const limit = `${model.name} needs ${megabytes(needed)} on the CPU, which serves models up to ${megabytes(CPU_LIMIT)}`;
  if (wish === "auto") throw new NoWebGpu(`this browser offers no WebGPU adapter, and ${limit}: ${REMEDY}, or choose a smaller model`);
  throw new InsufficientMemory(limit, { needed, available: CPU_LIMIT, suggestion: "use WebGPU, or choose a smaller model" });
}

const REMEDY = "use a recent Chrome, Edge, Safari or Firefox with hardware acceleration on";
