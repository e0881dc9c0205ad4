// ONNX Runtime Web on WebGPU in a tab: seconds per weight of y = x Wᵀ with 4-bit matrices, by MatMulNBits, for 1 and 40 rows of x.
import * as ort from "/ort/ort.webgpu.min.mjs";
import { matmulModel } from "/speed/onnx_model.mjs";

/** Outputs and inputs of the matrices of a feed-forward network of the 0.5B. */
const SHAPES = [[4864, 896], [896, 4864]];
const ROUNDS = 5;

export async function measure() {
    ort.env.wasm.wasmPaths = "/ort/";
    ort.env.wasm.numThreads = 1;
    const [seconds, weights] = [{ 1: 0, 40: 0 }, SHAPES.reduce((sum, [outputs, inputs]) => sum + outputs * inputs, 0)];
    for (const [outputs, inputs] of SHAPES) {
        const session = await ort.InferenceSession.create(matmulModel(outputs, inputs), { executionProviders: ["webgpu"] });
        for (const rows of [1, 40]) seconds[rows] += await fastest(session, rows, inputs);
        await session.release();
    }
    return { 1: seconds[1] / weights, 40: seconds[40] / weights };
}

/** Seconds of the fastest of some runs. */
async function fastest(session, rows, inputs) {
    const x = new ort.Tensor("float32", new Float32Array(rows * inputs).fill(0.5), [rows, inputs]);
    const seconds = [];
    for (let round = 0; round <= ROUNDS; round++) {
        const start = performance.now();
        const { y } = await session.run({ x });
        seconds.push((performance.now() - start) / 1e3);
        if (!Number.isFinite(y.data[0])) throw new Error("ONNX Runtime gave no number");
    }
    return Math.min(...seconds.slice(1)); // the first compiles
}
