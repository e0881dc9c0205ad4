/** Finds a described sound in the whole file. The first search makes the index. */

import { cue } from "./cue.js";
import { byId } from "./dom.js";
import { heardOf } from "./format.js";
import type { Machine } from "./machine.js";
import type { Player } from "./player.js";
import type { Search } from "./state.js";

export function startSearchView(machine: Machine, player: Player): void {
  const text = byId<HTMLInputElement>("search-text");
  byId<HTMLFormElement>("search").addEventListener("submit", (event) => {
    event.preventDefault();
    const { at } = machine.state.timeline.search;
    if (at === "indexing" || at === "searching") return machine.send({ type: "stop-search" });
    if (text.value.trim()) machine.send({ type: "search", text: text.value.trim() });
  });
  machine.watch(({ model }) => model.ready, (ready) => (byId<HTMLButtonElement>("search-run").disabled = !ready));
  machine.watch(
    ({ timeline }) => timeline.search,
    (search) => {
      byId("search-run").textContent = search.at === "indexing" || search.at === "searching" ? "Stop" : "Find";
      byId("search-note").textContent = note(search);
      const hits = search.at === "found" ? search.hits.map((hit) => ({ ...hit, text: search.text })) : [];
      byId("search-hits").hidden = hits.length === 0;
      byId("search-hits").replaceChildren(...hits.map((hit) => cue(hit, machine, player)));
    },
  );
}

function note(search: Search): string {
  switch (search.at) {
    case "off":
      return "";
    case "indexing":
      return `Listening to the whole file, once: ${heardOf(search)}…`;
    case "searching":
      return "Searching…";
    case "found":
      return search.hits.length > 0 ? `“${search.text}”: ${search.hits.length === 1 ? "one place." : `${search.hits.length} places, the likeliest first.`}` : `“${search.text}” was not found.`;
    case "failed":
      return search.reason;
  }
}
