// wllama, llama.cpp as WebAssembly, in a tab, on one thread and without a GPU: seconds of a token.
import { Wllama } from "/wllama/index.js";

const TOKENS = 16;

export async function measure() {
    const wllama = new Wllama({ default: "/wllama/wasm/wllama.wasm" });
    const file = await (await fetch("/gguf/decoder-q4_0.gguf")).blob();
    await wllama.loadModel([file], { n_threads: 1, n_gpu_layers: 0, n_ctx: 512, warmup: false });
    await decode(wllama); // warms up
    const token = await decode(wllama);
    await wllama.exit();
    return { token };
}

/** The time from the first token of an answer to its last, per token. */
async function decode(wllama) {
    const times = [];
    await wllama.createCompletion({
        prompt: "t1t2t3t4t5t6t7t8",
        max_tokens: TOKENS + 1,
        temperature: 0,
        stream: true,
        onData: () => times.push(performance.now()),
    });
    return (times.at(-1) - times[0]) / 1e3 / (times.length - 1);
}
