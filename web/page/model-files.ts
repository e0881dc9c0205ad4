/** Lists the files of the chosen model. */

import type { ModelSource } from "audio-flamingo-2-webgpu";
import { byId, make } from "./dom.js";
import { bytes } from "./format.js";

interface ListedFile {
  name: string;
  bytes: number | undefined;
}

const INDEX = "model.safetensors.index.json";

/** The source whose files are asked for. A slower answer about an earlier one is not shown. */
let asked: ModelSource | undefined;

export async function showFiles(source: ModelSource | undefined): Promise<void> {
  asked = source;
  byId("model-files").hidden = true;
  const files = await filesOf(source).catch(() => []);
  if (asked !== source || files.length === 0) return;
  byId("model-files").hidden = false;
  const total = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  byId("model-files-summary").textContent = `${files.length === 1 ? "1 file" : `${files.length} files`}${total > 0 ? `, ${bytes(total)}` : ""}`;
  byId("model-files-list").replaceChildren(...files.map(row));
}

/** Of a local folder, all; at an address, those that its index names. A hub is not asked before a click. */
async function filesOf(source: ModelSource | undefined): Promise<ListedFile[]> {
  if (Array.isArray(source)) return source.map(({ name, webkitRelativePath, size }) => ({ name: inFolder(webkitRelativePath) || name, bytes: size }));
  if (typeof source !== "string" || source.startsWith("hf:")) return [];
  const folder = new URL(source.endsWith("/") ? source : `${source}/`, document.baseURI);
  const response = await fetch(new URL(INDEX, folder));
  if (!response.ok) return [];
  const { shards, files } = (await response.json()) as Record<"shards" | "files", Record<string, { bytes: number }> | undefined>;
  return Object.entries({ ...files, ...shards }).map(([name, { bytes }]) => ({ name, bytes }));
}

/** The path without the folder that was chosen. */
function inFolder(path: string): string {
  return path.split("/").slice(1).join("/");
}

function row({ name, bytes: size }: ListedFile): HTMLLIElement {
  return make("li", "", make("span", "", name), make("span", "muted", size === undefined ? "" : bytes(size)));
}
