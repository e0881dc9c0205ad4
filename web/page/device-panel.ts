/** What computes and how it does. */

import { AudioFlamingo, type CheckReport, type Model } from "audio-flamingo-2-webgpu";
import { banner } from "./banner.js";
import { byId } from "./dom.js";
import { on, tell } from "./events.js";
import { bytes, duration, message, rate } from "./format.js";

let model: Model | undefined;

export async function startDevicePanel(): Promise<void> {
  on("model", (loaded) => {
    model = loaded;
    void showMemory();
  });
  on("clip", (clip) => {
    if (clip) byId("fact-encode").textContent = `${duration(clip.info.encodeMs / 1000)} for ${duration(clip.info.seconds)}`;
    void showMemory();
  });
  on("answered", ({ timings }) => {
    byId("fact-first").textContent = duration(timings.firstTokenMs / 1000);
    byId("fact-speed").textContent = rate(timings.tokensPerSecond);
  });
  await AudioFlamingo.check().then(show, (error: unknown) => banner(message(error)));
}

function show(report: CheckReport): void {
  const chip = byId("device-chip");
  const { adapter } = report;
  const name = adapter ? adapter.description || `${adapter.vendor} ${adapter.architecture}`.trim() || "GPU" : "Processor";
  byId("device-name").textContent = name;
  byId("fact-adapter").textContent = adapter ? name : "none: the processor";
  chip.dataset["state"] = adapter && !adapter.fallback ? "good" : "slow";
  chip.title = report.verdict;
  byId("slow-note").hidden = adapter !== undefined;
  if (!report.ok) banner(report.verdict);
  tell("checked", report);
}

async function showMemory(): Promise<void> {
  const used = await model?.memory().catch(() => undefined);
  byId("fact-memory").textContent = used ? bytes(used.gpuBytes || used.wasmBytes) : "–";
}
