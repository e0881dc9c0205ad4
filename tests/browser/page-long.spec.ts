/** Where an answer rests, and long files on the page: captions, search, saved files. */

import { readFile } from "node:fs/promises";
import { audible } from "../../web/page/audible.js";
import type { Relevance, SoundInfo } from "../../web/src/index.js";
import { SHOTS, ask, expect, hear, test } from "./support/page.js";

const LONG = "Two minutes: a voice, a piano, a horse";

test("no stretch of silence is marked, and marks end where the sound does", () => {
  // Ten seconds, ten columns each: loud from 2 s to 3 s, 60 dB less elsewhere.
  const waveform = Float32Array.from({ length: 200 }, (_, at) => (at >= 40 && at < 60 ? 0.5 : 0.0005) * (at % 2 ? 1 : -1));
  const relevance = {
    method: "effect",
    secondsPerStep: 1,
    curve: Float32Array.of(1, 0, 4, 0, 0, 0, 0, 0, 2, 2),
    intervals: [{ start: 1.5, end: 2.5, weight: 0.6 }, { start: 8, end: 10, weight: 0.4 }],
  } satisfies Relevance;
  const { curve, intervals } = audible(relevance, { waveform, windows: 1, windowSeconds: 10 } as SoundInfo);
  expect([...curve]).toEqual([0, 0, 4, 0, 0, 0, 0, 0, 0, 0]);
  expect(intervals).toEqual([{ start: 2, end: 2.5, weight: 0.6 }]);
});

test("Where paints the seconds that an answer rests on; clicking them plays them", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  await hear(page, "A cow, then ducks");
  await ask(page, "Which sound comes first?");
  const before = await page.locator("#picture").screenshot();
  await page.getByRole("button", { name: "Where?" }).click();
  const seconds = page.getByRole("group", { name: "The seconds that this answer rests on" });
  await expect(seconds.getByRole("button").first()).toHaveText(/^\d+\.\d–\d+\.\d s$/, { timeout: 100_000 });
  await expect(seconds, "the page moves to them").toBeInViewport({ ratio: 1 });
  expect((await page.locator("#picture").screenshot()).equals(before), "the picture has heat").toBe(false);
  await seconds.getByRole("button").first().click();
  const start = Number.parseFloat((await seconds.getByRole("button").first().textContent()) ?? "");
  await expect.poll(async () => Number(await page.locator("#seek").inputValue())).toBeGreaterThanOrEqual(start - 0.1);
  await page.getByRole("button", { name: "Where?" }).click();
  await expect(seconds).toBeHidden();
});

test("the whole file is captioned, searched and saved", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  await hear(page, LONG);
  await page.locator("#timeline > summary").click();
  await page.getByRole("button", { name: "Caption the whole file" }).click();
  await expect(page.locator("#captions-note")).toHaveText(/^\d+ captions\.$/, { timeout: 200_000 });
  const captions = page.getByRole("list", { name: "Captions" }).getByRole("button");
  expect(await captions.count()).toBeGreaterThan(1);
  await expect(page.locator("#track-blocks .block")).toHaveCount(await captions.count());
  for (const [format, start] of [["SRT", "1\n00:0"], ["VTT", "WEBVTT"], ["CSV", "start,end,text,confidence"]] as const) {
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: format }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe(`Two minutes: a voice, a piano, a horse.${format.toLowerCase()}`.replace(":", "_"));
    expect((await readFile(await download.path(), "utf8")).startsWith(start)).toBe(true);
  }
  await page.getByRole("searchbox").fill("a horse");
  await page.keyboard.press("Enter");
  await expect(page.locator("#search-note")).toContainText("“a horse”", { timeout: 200_000 });
  await expect(page.getByRole("list", { name: "Found" }).getByRole("button").first()).toBeVisible();
  await page.screenshot({ path: `${SHOTS}page-long.png`, fullPage: true });
});

test("captions can be stopped, and what was captioned stays", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  await hear(page, LONG);
  await page.locator("#timeline > summary").click();
  await page.getByRole("button", { name: "Caption the whole file" }).click();
  await expect(page.getByRole("list", { name: "Captions" }).getByRole("button").first()).toBeVisible({ timeout: 200_000 });
  await page.locator("#captions-run").click();
  await expect(page.locator("#captions-note")).toHaveText("Stopped. The captions so far stay.");
  await expect(page.getByRole("list", { name: "Captions" }).getByRole("button").first()).toBeVisible();
  await page.getByRole("button", { name: "Change" }).click();
  await expect(page.locator("#timeline")).toBeHidden();
});
