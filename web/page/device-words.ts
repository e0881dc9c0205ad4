/** The device in words for people. */

import type { AdapterReport, Model } from "audio-flamingo-2-webgpu";
import type { Device } from "./state.js";

export interface DeviceWords {
  name: string;
  /** What the browser calls it. */
  driver: string;
  state: "wait" | "good" | "slow" | "bad";
  title: string;
  /** What people should know of it, if anything. */
  note: string;
}

const ON_CPU = "your CPU answers instead. The answers are the same but slower, and only small models fit.";

export function adapterName(device: Device, model: Model | undefined): DeviceWords {
  if (device.at === "looking") return { name: "Looking for a GPU…", driver: "–", state: "wait", title: "", note: "" };
  if (device.at === "silent") {
    return { name: "CPU", driver: "no answer", state: "slow", title: "", note: `The graphics driver does not answer, so ${ON_CPU} Reload the page to try it again.` };
  }
  const { adapter, engine, verdict } = device.report;
  const driver = adapter ? (adapter.description || `${adapter.vendor} ${adapter.architecture}`).trim() : "none";
  if ((model?.info.engine ?? engine) === "cpu" || !adapter) {
    return { name: "CPU", driver, state: "slow", title: verdict, note: adapter ? "" : `This browser offers no WebGPU, so ${ON_CPU}` };
  }
  if (adapter.fallback) return { name: "Software rendering, slow", driver, state: "slow", title: verdict, note: "" };
  return { name: friendly(adapter), driver, state: "good", title: verdict, note: "" };
}

/** Chromium describes a GPU as "nvidia" and "ada-lovelace". */
function friendly({ description, vendor, architecture }: AdapterReport): string {
  if (description) return description;
  const words = `${vendor} ${architecture}`.replaceAll("-", " ").trim().split(" ").filter(Boolean);
  const name = words.map((word) => (/^(nvidia|amd|rdna|gcn)/.test(word) ? word.toUpperCase() : word.charAt(0).toUpperCase() + word.slice(1)));
  return name.join(" ") || "GPU";
}
