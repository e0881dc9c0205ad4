// Decodes with llama.cpp on the CPU: `node decode.mjs MODEL.gguf TOKENS THREADS` beside an installed node-llama-cpp. Prints
// {"token": seconds of one, "peak_bytes": of the process}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { cwd, argv } from "node:process";
import { pathToFileURL } from "node:url";

// From the folder in which it runs: llama.cpp is no dependency of this repository.
const entry = createRequire(join(cwd(), "package.json")).resolve("node-llama-cpp");
const { getLlama } = await import(pathToFileURL(entry).href);

const [file, tokens, threads] = [argv[2], Number(argv[3]), Number(argv[4])];
const llama = await getLlama({ gpu: false, build: "never", progressLogs: false, maxThreads: threads });
const model = await llama.loadModel({ modelPath: file });
const context = await model.createContext({ contextSize: 512, threads });
const prompt = Array.from({ length: 16 }, (_, i) => i * 7);

async function decode() {
    const sequence = context.getSequence();
    let [count, start] = [0, 0];
    for await (const _ of sequence.evaluate(prompt, { temperature: 0 })) {
        if (count === 0) start = performance.now();
        if (count++ === tokens) break;
    }
    const seconds = (performance.now() - start) / 1e3 / tokens;
    await sequence.dispose();
    return seconds;
}

await decode(); // warms up
const token = await decode();
const peak = /VmHWM:\s*(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"));
console.log(JSON.stringify({ token, peak_bytes: 1024 * Number(peak?.[1]) }));
await llama.dispose();
