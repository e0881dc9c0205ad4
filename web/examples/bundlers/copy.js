/** Puts the page, and the package's worker and engines, beside the bundle: these bundlers leave them alone. */

import { cp } from "node:fs/promises";
import { fileURLToPath } from "node:url";

export async function copyTo(folder) {
  const lib = fileURLToPath(new URL(".", import.meta.resolve("audio-flamingo-2-webgpu")));
  await cp(lib, `${folder}/af2`, { recursive: true });
  await cp("index.html", `${folder}/index.html`);
}
