/** Light or dark theme: the system's, until the visitor chooses one. */

import { byId } from "./dom.js";
import { recall, remember } from "./memory.js";

const KEY = "theme";

export function startTheme(): void {
  const saved = recall(KEY);
  if (saved) document.documentElement.dataset["theme"] = saved;
  byId("theme").addEventListener("click", () => {
    const next = isDark() ? "light" : "dark";
    document.documentElement.dataset["theme"] = next;
    remember(KEY, next);
  });
}

function isDark(): boolean {
  const chosen = document.documentElement.dataset["theme"];
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}
