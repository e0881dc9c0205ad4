/** One model for several tabs: one worker, one copy of the weights, and clips that end with their tab. */

import type { Browser, Page } from "@playwright/test";
import type { Model } from "../../web/src/index.js";
import { expect, test } from "./support/fixtures.js";
import { serveDemo, serveToy } from "./support/real-models.js";

declare global {
  interface Window {
    model: Model;
  }
}

// Software rendering on a busy machine is slow.
test.describe.configure({ timeout: 600_000 });

/** Loads a shared model in a tab. Resolves to how it came. */
function load(page: Page, url: string, engine: "cpu" | "webgpu") {
  return page.evaluate(
    async ({ url, engine }) => {
      const phases = new Set<string>();
      const onProgress = ({ phase }: { phase: string }) => phases.add(phase);
      window.model = await window.AudioFlamingo.load(url, { engine, share: true, onProgress });
      return { shared: window.model.shared, inWorker: window.model.inWorker, engine: window.model.info.engine, last: [...phases].at(-1) };
    },
    { url, engine },
  );
}

function ask(page: Page, sound: string, question: string): Promise<string> {
  return page.evaluate(
    async ({ sound, question }) => {
      const clip = await window.model.listen(sound);
      const { text } = await clip.ask(question).result;
      await clip.dispose();
      return text;
    },
    { sound, question },
  );
}

async function sharedWorkers(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { targetInfos } = await session.send("Target.getTargets");
  return targetInfos.filter(({ type }) => type === "shared_worker").length;
}

test("tabs share one model, which lives as long as one of them", async ({ browser, open, server }) => {
  const url = await serveDemo(server);
  const tabs = [await open(), await open()] as const;
  const loaded = { shared: true, inWorker: true, engine: "cpu", last: "ready" };
  expect(await Promise.all(tabs.map((tab) => load(tab, url, "cpu")))).toEqual([loaded, loaded]);
  expect(await sharedWorkers(browser)).toBe(1);
  expect(server.requests("model-00001-of-00001.safetensors")).toHaveLength(1);
  const question = "what is this sound?";
  expect(await Promise.all([ask(tabs[0], "/sounds/cow.ogg", question), ask(tabs[1], "/sounds/duck.ogg", question)])).toEqual(["it is a cow", "it is a duck"]);
  const aborted = await tabs[1].evaluate(async (url) => {
    const signal = AbortSignal.abort();
    return window.AudioFlamingo.load(url, { engine: "cpu", share: true, signal }).catch((error: { code: string }) => error.code);
  }, url);
  expect(aborted).toBe("ABORTED");
  await tabs[0].close();
  expect(await ask(tabs[1], "/sounds/cow.ogg", question)).toBe("it is a cow");
  const third = await open();
  expect(await load(third, url, "cpu")).toEqual(loaded);
  expect(await tabs[1].evaluate(() => window.model.dispose())).toBe(0);
  expect(await ask(third, "/sounds/duck.ogg", question)).toBe("it is a duck");
  expect(await sharedWorkers(browser)).toBe(1);
  expect(await third.evaluate(async () => [await window.model.dispose(), await window.model.memory().catch((error: { code: string }) => error.code)])).toEqual([0, "DISPOSED"]);
  expect(await load(third, url, "cpu"), "from the cache").toEqual(loaded);
  expect(server.requests("model-00001-of-00001.safetensors")).toHaveLength(1);
  const alone = await third.evaluate(async () => {
    const files = await Promise.all(["config.json", "tokenizer.json", "model.safetensors.index.json", "model-00001-of-00001.safetensors"].map(async (name) => new File([await (await fetch(`/demo/${name}`)).blob()], name)));
    const model = await window.AudioFlamingo.load(files, { engine: "cpu", share: true });
    await model.dispose();
    return model.shared;
  });
  expect(alone, "files have no address by which another tab could mean them").toBe(false);
});

test("on WebGPU the clips of a closed tab are freed, and the model's own copy in the file system is used", async ({ open, server }) => {
  const url = await serveToy(server);
  const [first, second] = [await open(), await open()] as const;
  await first.evaluate(async (url) => (await window.AudioFlamingo.load(url, { engine: "cpu" })).dispose(), url);
  const fetched = server.bytes("-of-");
  expect(await load(first, url, "webgpu")).toMatchObject({ shared: true, engine: "webgpu" });
  expect(await load(second, url, "webgpu")).toMatchObject({ shared: true });
  expect(server.bytes("-of-")).toBe(fetched);
  const bytes = () => first.evaluate(async () => (await window.model.memory()).gpuBytes);
  expect(await ask(first, "/inputs/speech_16k_mono.wav", "Caption the input audio.")).toBe("a person is speaking in a small room.");
  const before = await bytes();
  await second.evaluate(async () => void (await window.model.listen("/inputs/speech_16k_mono.wav")));
  expect(await bytes()).toBeGreaterThan(before);
  await second.close();
  await expect.poll(bytes, { timeout: 60_000 }).toBe(before);
  expect(await first.evaluate(() => window.model.dispose())).toBe(0);
});
