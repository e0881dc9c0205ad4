/** The page's machine, without a browser: it starts the steps that a state names and aborts those that it no longer names. */

import { expect, test } from "@playwright/test";
import { Machine } from "../../web/page/machine.js";
import type { CheckReport, Clip, Model } from "../../web/src/index.js";

/** A machine whose steps last until the test ends them. */
function started() {
  const steps = new Map<string, { signal: AbortSignal; fail: (reason: Error) => void }>();
  const machine = new Machine((_, key, signal) => new Promise((_, fail) => void steps.set(key, { signal, fail })));
  machine.start();
  machine.send({ type: "checked", report: { ok: true } as CheckReport });
  machine.send({ type: "load", source: "a/" });
  return { machine, steps };
}

function handle<T>(freed: string[], name: string): T {
  return { info: { name }, dispose: async () => void freed.push(name) } as T;
}

test("each step has a signal of its own, which fires when the state no longer names it", () => {
  const { machine, steps } = started();
  expect(steps.get("check")?.signal.aborted, "it has ended").toBe(true);
  machine.send({ type: "choose", name: "a", source: new Blob(), suggestions: [] });
  machine.send({ type: "choose", name: "b", source: new Blob(), suggestions: [] });
  expect([...steps.keys()]).toEqual(["check", "load 1", "preview 2", "preview 3"]);
  expect([...steps].map(([key, { signal }]) => [key, signal.aborted])).toEqual([["check", true], ["load 1", false], ["preview 2", true], ["preview 3", false]]);
});

test("a step that fails is reported, one that was aborted is not", async () => {
  const { machine, steps } = started();
  machine.send({ type: "load", source: "b/" });
  steps.get("load 1")?.fail(new Error("the first"));
  steps.get("load 2")?.fail(new Error("the second"));
  await expect.poll(() => machine.state.model.note).toBe("The second.");
});

test("clips and models are freed when nothing holds them, a clip before its model", () => {
  const freed: string[] = [];
  const { machine } = started();
  machine.send({ type: "loaded", load: 1, model: handle<Model>(freed, "model"), note: "" });
  machine.send({ type: "choose", name: "a", source: new Blob(), suggestions: [] });
  machine.send({ type: "heard", sound: 2, model: 1, clip: handle<Clip>(freed, "clip") });
  expect(freed).toEqual([]);
  machine.send({ type: "load", source: "b/" });
  machine.send({ type: "loaded", load: 3, model: handle<Model>(freed, "newer"), note: "" });
  expect(freed).toEqual(["clip", "model"]);
});

test("an event that a view sends is handled after the one that it saw", () => {
  const { machine } = started();
  const seen: string[] = [];
  machine.watch(({ problem, lacking }) => `${problem}${lacking}`, () => {
    if (machine.state.lacking === "sound") machine.send({ type: "choose", name: "a", source: new Blob(), suggestions: [] });
  });
  machine.watch(({ lacking }) => lacking, (lacking) => seen.push(lacking));
  machine.send({ type: "ask", question: "what?" });
  expect(seen).toEqual(["nothing", "sound", "nothing"]);
});
