/** Shows the adapter, the memory in use and the speed. */

import { AudioFlamingo, type CheckReport, type Model } from "audio-flamingo-2-webgpu";
import { banner } from "./banner.js";
import { byId } from "./dom.js";
import { on, emit } from "./events.js";
import { bytes, duration, message, rate } from "./format.js";

let model: Model | undefined;

export async function startDevicePanel(): Promise<void> {
  on("model", (loaded) => {
    model = loaded;
    void showMemory();
  });
  on("clip", (clip) => {
    if (clip) byId("info-encode").textContent = `${duration(clip.info.encodeMs / 1000)} for ${duration(clip.info.seconds)}`;
    void showMemory();
  });
  on("answered", ({ timings }) => {
    byId("info-first").textContent = duration(timings.firstTokenMs / 1000);
    byId("info-speed").textContent = rate(timings.tokensPerSecond);
  });
  await AudioFlamingo.check().then(show, (error: unknown) => banner(message(error)));
}

function show(report: CheckReport): void {
  const badge = byId("device-badge");
  const adapter = report.engine === "cpu" ? undefined : report.adapter;
  const name = adapter ? adapter.description || `${adapter.vendor} ${adapter.architecture}`.trim() || "GPU" : "CPU";
  byId("device-name").textContent = name;
  byId("info-adapter").textContent = adapter ? name : "none: the CPU";
  badge.dataset["state"] = adapter && !adapter.fallback ? "good" : "slow";
  badge.title = report.verdict;
  byId("slow-note").hidden = report.adapter !== undefined;
  if (!report.ok) banner(report.verdict);
  emit("checked", report);
}

async function showMemory(): Promise<void> {
  const used = await model?.memory().catch(() => undefined);
  byId("info-memory").textContent = used ? bytes(used.gpuBytes || used.wasmBytes) : "–";
}
