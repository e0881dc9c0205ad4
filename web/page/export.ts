/** Saves the captions as a file. */

import { formatCaptions } from "audio-flamingo-2-webgpu";
import { byId, make } from "./dom.js";
import type { Machine } from "./machine.js";

const TYPES = { srt: "application/x-subrip", vtt: "text/vtt", csv: "text/csv" };

export function startExport(machine: Machine): void {
  byId("export").addEventListener("click", ({ target }) => {
    const format = (target as HTMLElement).dataset["format"] as keyof typeof TYPES | undefined;
    if (format) void save(machine, format);
  });
}

async function save({ state: { sound, timeline } }: Machine, format: keyof typeof TYPES): Promise<void> {
  const text = await formatCaptions(timeline.captions, format);
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([text], { type: TYPES[format] }));
  link.download = `${(sound?.name ?? "captions").replace(/\.\w{1,5}$/, "")}.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // the browser reads it after the click
}
