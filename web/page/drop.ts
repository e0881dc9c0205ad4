/** A sound may be dropped anywhere on the page, or pasted. */

import { byId } from "./dom.js";
import type { Machine } from "./machine.js";

export function startDrop(machine: Machine): void {
  const veil = byId("drop-anywhere");
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => (veil.hidden = event.relatedTarget === null)); // left the window
  document.addEventListener("drop", (event) => {
    veil.hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    openFirst(machine, event.dataTransfer?.files);
  });
  document.addEventListener("paste", (event) => openFirst(machine, event.clipboardData?.files));
}

function openFirst(machine: Machine, files: FileList | undefined): void {
  const file = files?.[0];
  if (file) machine.send({ type: "choose", name: file.name, source: file, suggestions: [] });
}
