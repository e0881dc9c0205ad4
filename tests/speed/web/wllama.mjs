// wllama, llama.cpp as WebAssembly, in a tab, on one thread and without a GPU: seconds of a token.
import { Wllama } from "/wllama/index.js";

const TOKENS = 16;

export async function measure() {
    const wllama = new Wllama({ default: "/wllama/wasm/wllama.wasm" });
    const file = await (await fetch("/gguf/text-decoder-q4_0.gguf")).blob();
    await wllama.loadModel([file], { n_threads: 1, n_gpu_layers: 0, n_ctx: 512, warmup: false });
    const prompt = Array.from({ length: 14 }, (_, index) => `t${index * 7}`).join("");
    const answer = { prompt, max_tokens: TOKENS, temperature: 0, ignore_eos: true };
    await wllama.createCompletion(answer); // warms up
    const { timings } = await wllama.createCompletion(answer);
    await wllama.exit();
    if (timings.predicted_n !== TOKENS) throw new Error(`wllama made ${timings.predicted_n} tokens`);
    return { token: timings.predicted_per_token_ms / 1e3 };
}
