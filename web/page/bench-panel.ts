/** Measures this machine with the loaded model, and finds the fastest kernels. */

import type { BenchReport, KernelTime, Model } from "audio-flamingo-2-webgpu";
import { byId, make } from "./dom.js";
import { bytes, duration, message, rate } from "./format.js";
import type { Machine } from "./machine.js";

type Gpu = NonNullable<BenchReport["gpu"]>;

const COLUMNS = ["Kernel", "Time", "Copy", "Matmul"]; // shares of the total time, of the copy rate, of the matmul rate

let model: Model | undefined;
let running: AbortController | undefined;
let report: BenchReport | undefined;

export function startBenchPanel(machine: Machine): void {
  machine.watch(({ model }) => model.ready?.model, (loaded) => {
    running?.abort();
    model = loaded;
    byId<HTMLButtonElement>("bench").disabled = !loaded;
    byId<HTMLButtonElement>("tune").disabled = loaded?.info.engine !== "webgpu";
  });
  byId("bench").addEventListener("click", () => (running ? running.abort() : void measure()));
  byId("tune").addEventListener("click", () => void tune());
  byId("bench-copy").addEventListener("click", () => void copy());
}

async function measure(): Promise<void> {
  if (!model) return;
  const { signal } = (running = new AbortController());
  byId("bench").textContent = "Stop measuring";
  try {
    const onProgress = (done: number, steps: number) => status(`Step ${done} of ${steps}…`);
    show((report = await model.bench({ signal, onProgress })));
    status("");
  } catch (error) {
    status(signal.aborted ? "Stopped." : message(error));
  } finally {
    running = undefined;
    byId("bench").textContent = report ? "Measure again" : "Measure this machine";
  }
}

async function tune(): Promise<void> {
  status("Trying kernels…");
  byId<HTMLButtonElement>("tune").disabled = true;
  try {
    status(`The fastest here: ${await model?.tune()}. Used from the next time a model is loaded.`);
  } catch (error) {
    status(message(error));
  } finally {
    byId<HTMLButtonElement>("tune").disabled = model?.info.engine !== "webgpu";
  }
}

function show(report: BenchReport): void {
  byId("bench-rows").replaceChildren(...rows(report).map((cells) => row(cells)));
  byId("bench-gpu-rows").replaceChildren(...gpuRows(report).map((cells) => row(cells)));
  showKernels("bench-encoder", report.gpu, report.gpu?.encoder);
  showKernels("bench-token", report.gpu, report.gpu?.token);
  byId("bench-result").hidden = false;
}

function rows({ model, adapter, encodeMs, audioKvMs, firstTokenMs, tokensPerSecond }: BenchReport): [string, string][] {
  return [
    ["Model", model],
    ["Adapter", adapter],
    ["Encode a window", duration(encodeMs / 1000)],
    ["Keys and values", duration(audioKvMs / 1000)],
    ["First token", duration(firstTokenMs / 1000)],
    ["Further tokens", rate(tokensPerSecond)],
  ];
}

/** What only concerns who works on the kernels. */
function gpuRows({ perToken, gpu }: BenchReport): [string, string][] {
  if (!perToken || !gpu) return [];
  const { dispatches, microsecondsPerDispatch, bytesPerSecond } = perToken;
  return [
    ["Dispatches per token", `${dispatches}, ${microsecondsPerDispatch.toFixed(1)} µs each`],
    ["Weights per token", bytes(perToken.bytes)],
    ["Weights per second", bytes(bytesPerSecond)],
    ["Copy rate", `${bytes(gpu.copyBytesPerSecond)}/s`],
    ["Matmul rate", `${(gpu.matmulFlopsPerSecond / 1e9).toFixed(1)} GFLOP/s`],
    ["Kernels", gpu.kernels],
  ];
}

/** One row per kernel: its share of the time, and its rates as shares of the GPU's copy and matmul rates. */
function kernelRows(kernels: KernelTime[], gpu: Gpu): string[][] {
  const total = kernels.reduce((sum, kernel) => sum + kernel.microseconds, 0) || 1;
  const percent = (share: number) => (share ? `${Math.round(100 * share)} %` : "");
  const share = (amount: number, rate: number, microseconds: number) => (microseconds ? amount / (microseconds / 1e6) / rate : 0);
  return kernels.map(({ name, count, microseconds, bytes, flops }) => [
    `${name.replace(/^.*\//, "")} × ${count}`,
    percent(microseconds / total),
    percent(share(bytes, gpu.copyBytesPerSecond, microseconds)),
    percent(share(flops, gpu.matmulFlopsPerSecond, microseconds)),
  ]);
}

function showKernels(id: string, gpu: Gpu | undefined, kernels: KernelTime[] | undefined): void {
  byId(id).hidden = !kernels;
  if (gpu && kernels) byId(`${id}-rows`).replaceChildren(...[COLUMNS, ...kernelRows(kernels, gpu)].map((cells) => row(cells)));
}

function row([what = "", ...values]: string[]): HTMLTableRowElement {
  const heading = make("th", "", what);
  heading.scope = "row";
  return make("tr", "", heading, ...values.map((value) => make("td", "", value)));
}

async function copy(): Promise<void> {
  if (!report) return;
  const { gpu } = report;
  const table = (part: KernelTime[] | undefined) => (part && gpu ? [[""], COLUMNS, ...kernelRows(part, gpu)] : []);
  const kernels = [...table(gpu?.encoder), ...table(gpu?.token)];
  const lines = [...[...rows(report), ...gpuRows(report)].map((cells) => cells.join(": ")), ...kernels.map((cells) => cells.join("\t"))];
  const text = lines.join("\n");
  await navigator.clipboard.writeText(`${text}\n`).then(() => status("Copied."), (error: unknown) => status(message(error)));
}

function status(text: string): void {
  byId("bench-status").textContent = text;
}
