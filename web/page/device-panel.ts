/** Shows the adapter, the memory in use and the speed. */

import type { Model } from "audio-flamingo-2-webgpu";
import { adapterName, type DeviceWords } from "./device-words.js";
import { byId } from "./dom.js";
import { bytes, duration, rate } from "./format.js";
import type { Machine } from "./machine.js";
import { heardClip } from "./state.js";

export function startDevicePanel(machine: Machine): void {
  machine.watch(({ device }) => device, (device, { model }) => show(adapterName(device, model.ready?.model)));
  machine.watch(({ model }) => model.ready?.model, (model, { device }) => {
    show(adapterName(device, model));
    byId("info-verified").textContent = model ? selfTest(model) : "–";
    void showMemory(model);
  });
  machine.watch(heardClip, (clip, { model }) => {
    if (clip) byId("info-encode").textContent = `${duration(clip.info.encodeMs / 1000)} for ${duration(clip.info.seconds)}`;
    void showMemory(model.ready?.model);
  });
  machine.watch(({ answers }) => answers.find(({ result }) => result)?.result, (result) => {
    if (!result) return;
    byId("info-first").textContent = duration(result.timings.firstTokenMs / 1000);
    byId("info-speed").textContent = rate(result.timings.tokensPerSecond);
  });
}

function show({ name, driver, state, title, note }: DeviceWords): void {
  byId("device-name").textContent = byId("info-adapter").textContent = name;
  byId("info-driver").textContent = driver;
  const badge = byId("device-badge");
  badge.dataset["state"] = state;
  badge.title = title;
  byId("slow-note").hidden = note === "" || !isSecureContext; // over plain HTTP the banner says more
  byId("slow-note").textContent = note;
}

/** It tests the driver. The engine on the CPU has none. */
function selfTest({ info: { engine, verified } }: Model): string {
  if (engine === "cpu") return "none needed on the CPU";
  return verified ? "passed" : "none: the model has none";
}

async function showMemory(model: Model | undefined): Promise<void> {
  const used = await model?.memory().catch(() => undefined);
  byId("info-memory").textContent = used ? bytes(used.gpuBytes || used.wasmBytes) : "–";
}
