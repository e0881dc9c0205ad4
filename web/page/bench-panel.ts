/** Measuring this machine with the loaded model. */

import type { BenchReport, Model } from "audio-flamingo-2-webgpu";
import { byId, make } from "./dom.js";
import { on } from "./events.js";
import { bytes, duration, message, rate } from "./format.js";

let model: Model | undefined;
let running: AbortController | undefined;
let report: BenchReport | undefined;

export function startBenchPanel(): void {
  on("model", (loaded) => {
    running?.abort();
    model = loaded;
    byId<HTMLButtonElement>("bench").disabled = !loaded;
  });
  byId("bench").addEventListener("click", () => (running ? running.abort() : void measure()));
  byId("bench-copy").addEventListener("click", () => void copy());
}

async function measure(): Promise<void> {
  if (!model) return;
  const { signal } = (running = new AbortController());
  byId("bench").textContent = "Stop measuring";
  try {
    const onProgress = (done: number, steps: number) => status(`Step ${done} of ${steps}…`);
    report = await model.bench({ signal, onProgress });
    byId("bench-rows").replaceChildren(...rows(report).map(([what, value]) => row(what, value)));
    byId("bench-result").hidden = false;
    status("");
  } catch (error) {
    status(signal.aborted ? "Stopped." : message(error));
  } finally {
    running = undefined;
    byId("bench").textContent = report ? "Measure again" : "Measure this machine";
  }
}

function rows(report: BenchReport): [string, string][] {
  const { model, adapter, encodeMs, memoryMs, firstTokenMs, tokensPerSecond, perToken } = report;
  const answer: [string, string][] = [
    ["Model", model],
    ["Adapter", adapter],
    ["Encoding, a window", duration(encodeMs / 1000)],
    ["Keys and values", duration(memoryMs / 1000)],
    ["First token", duration(firstTokenMs / 1000)],
    ["Further tokens", rate(tokensPerSecond)],
  ];
  if (!perToken) return answer;
  const { dispatches, microsecondsPerDispatch, bytesPerSecond } = perToken;
  return [
    ...answer,
    ["Dispatches a token", `${dispatches}, ${microsecondsPerDispatch.toFixed(1)} µs each`],
    ["Weights a token", bytes(perToken.bytes)],
    ["Weights a second", bytes(bytesPerSecond)],
  ];
}

function row(what: string, value: string): HTMLTableRowElement {
  const heading = make("th", "", what);
  heading.scope = "row";
  return make("tr", "", heading, make("td", "", value));
}

async function copy(): Promise<void> {
  if (!report) return;
  const text = rows(report).map(([what, value]) => `${what}: ${value}`).join("\n");
  await navigator.clipboard.writeText(`${text}\n`).then(() => status("Copied."), (error: unknown) => status(message(error)));
}

function status(text: string): void {
  byId("bench-status").textContent = text;
}
