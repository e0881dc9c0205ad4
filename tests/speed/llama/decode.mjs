// Decodes with llama.cpp: `node decode.mjs MODEL.gguf TOKENS THREADS|vulkan` beside an installed node-llama-cpp, on so many threads of the CPU or
// on the GPU. Prints {"prompt": seconds to the first token after PROMPT others, "token": seconds of one, "peak_bytes": of the process}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { cwd, argv } from "node:process";
import { pathToFileURL } from "node:url";

const PROMPT = 40;

// From the folder in which it runs: llama.cpp is no dependency of this repository.
const entry = createRequire(join(cwd(), "package.json")).resolve("node-llama-cpp");
const { getLlama } = await import(pathToFileURL(entry).href);

const [file, tokens, device] = [argv[2], Number(argv[3]), argv[4]];
const vulkan = device === "vulkan";
const common = { build: "never", progressLogs: false };
const llama = await getLlama(vulkan ? { ...common, gpu: "vulkan" } : { ...common, gpu: false, maxThreads: Number(device) });
// On a software adapter the memory of the GPU is that of the CPU, which llama.cpp's check of both together does not know.
const model = await llama.loadModel({ modelPath: file, gpuLayers: vulkan ? "max" : 0, ignoreMemorySafetyChecks: vulkan });
const context = await model.createContext({
    contextSize: 512,
    ignoreMemorySafetyChecks: vulkan,
    ...(vulkan ? {} : { threads: Number(device) }),
});
const ids = Array.from({ length: PROMPT }, (_, i) => i * 7);

/** Seconds to the first token, and of each further one. */
async function decode() {
    const sequence = context.getSequence();
    let [count, start, first] = [0, performance.now(), 0];
    for await (const _ of sequence.evaluate(ids, { temperature: 0 })) {
        if (count === 0) first = performance.now();
        if (count++ === tokens) break;
    }
    const end = performance.now();
    await sequence.dispose();
    return { prompt: (first - start) / 1e3, token: (end - first) / 1e3 / tokens };
}

await decode(); // warms up
const seconds = await decode();
const peak = /VmHWM:\s*(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"));
console.log(JSON.stringify({ ...seconds, peak_bytes: 1024 * Number(peak?.[1]) }));
await llama.dispose();
