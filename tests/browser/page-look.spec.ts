/** How the page looks and feels: on one screen, on phones, with long words, by touch, by keyboard, to axe. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "@playwright/test";
import type { AxeResults } from "axe-core";
import { SHOTS, SOUNDS, ask, expect, hear, overflows, silence, test } from "./support/page.js";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds, in words. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE); // not a script tag: the page's policy allows none
  const { violations } = (await page.evaluate("axe.run()")) as AxeResults;
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}

test("question and answer are in view at once at 1440 × 900", async ({ page, address }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(`${address}?engine=cpu`);
  await hear(page, "A cow");
  await ask(page, "What is this sound?");
  for (const part of ["h1", "#picture", "#question", ".answer-text", ".answer-sure"]) await expect(page.locator(part)).toBeInViewport({ ratio: 1 });
  const hero = await page.locator("h1").boundingBox();
  expect(hero?.height, "the heading is one line").toBeLessThan(60);
});

test("the page says what the demo is, and offers no model of the tests", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  await expect(page.locator("#model-line")).toHaveText("Demo: 49 sounds, English. Bring NVIDIA’s model for anything.", { timeout: 100_000 });
  await expect(page.locator("#model-choice option").first()).toHaveText("Demo: 49 sounds, English");
  expect(await page.locator("body").innerText()).not.toMatch(/tiny-a|toy|swiftshader/i);
  await hear(page, "A cow");
  for (const suggestion of await page.locator("#suggestions button").allTextContents()) expect(suggestion).toMatch(/^[A-Z]/);
});

test("silence is drawn dark, and said", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  await page.setInputFiles("#file", silence(1));
  await expect(page.locator("#sound-notices")).toContainText("The audio is silent", { timeout: 100_000 });
  const centre = () =>
    page.locator("#picture").evaluate((canvas: HTMLCanvasElement) => [...canvas.getContext("2d")!.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data]);
  await expect.poll(async () => (await centre())[3], { message: "once the picture is there", timeout: 100_000 }).toBe(255);
  expect((await centre())[0]).toBeLessThan(60);
});

for (const [width, height] of [[1440, 900], [390, 844], [320, 640]] as const) {
  test(`nothing widens the page at ${width} px`, async ({ page, address }) => {
    await page.setViewportSize({ width, height });
    await page.goto(`${address}?engine=cpu`);
    const word = "W".repeat(140);
    const url = `https://example.org/${"path/".repeat(80)}`;
    await page.setInputFiles("#file", { name: `${word}.ogg`, mimeType: "audio/ogg", buffer: await readFile(`${SOUNDS}cow.ogg`) });
    await expect(page.locator("#listening")).toContainText("Heard", { timeout: 100_000 });
    await ask(page, `${word} ${url}`);
    await page.locator(".answer-text").evaluate((element, text) => (element.textContent = text), `${word} ${url}`);
    expect(await overflows(page)).toBe(false);
    for (const id of ["banner", "slow-note", "hint", "listening", "sound-notices", "model-note", "captions-note", "search-note", "device-name", "info-driver", "release-licences", "cache-list"]) {
      await page.evaluate(([id, text]) => {
        const element = document.getElementById(id!)!;
        for (let part: HTMLElement | null = element; part; part = part.parentElement) {
          part.hidden = false;
          if (part instanceof HTMLDetailsElement) part.open = true;
        }
        element.textContent = text!;
      }, [id, word]);
      expect(await overflows(page), id).toBe(false);
    }
    await page.screenshot({ path: `${SHOTS}page-long-words-${width}.png`, fullPage: true });
  });
}

test("on a phone the answer comes into view, and every control is at least 44 px high", async ({ browser, address }) => {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const page = await context.newPage();
  await page.goto(`${address}?engine=cpu`);
  await hear(page, "A cow");
  await ask(page, "What is this sound?");
  await expect(page.locator(".answer-text"), "the page moves to it").toBeInViewport({ ratio: 1 });
  const small = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("button, select, summary, .ask input")]
      .filter((control) => control.checkVisibility())
      .filter((control) => control.getBoundingClientRect().height < 44)
      .map((control) => control.id || control.className),
  );
  expect(small).toEqual([]);
  await context.close();
});

test("the position is told in seconds, and the arrows move it", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  await hear(page, "A cow");
  const seek = page.getByRole("slider", { name: "Position in the sound" });
  await seek.focus();
  for (let press = 0; press < 5; press++) await page.keyboard.press("ArrowRight");
  await expect(seek).toHaveAttribute("aria-valuetext", "0.5 seconds of 6.6");
});

test("the focus stays where people are: after a file, after Change", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  await page.locator("#file").focus();
  await page.setInputFiles("#file", `${SOUNDS}cow.ogg`);
  await expect(page.locator("#play")).toBeFocused();
  await page.locator("#another").focus();
  await page.keyboard.press("Enter");
  await expect(page.locator("#file")).toBeFocused();
});

test("more of a long sound is heard when it is wanted, and the focus stays", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  await page.setInputFiles("#file", silence(121));
  const more = page.getByRole("button", { name: "Hear all of it" });
  await expect(page.locator("#listening")).toContainText("Heard: the first 2:00 of 2:01.", { timeout: 100_000 });
  await more.focus();
  await page.keyboard.press("Enter");
  await expect(page.locator("#play")).toBeFocused();
  await expect(page.locator("#listening")).toContainText("Heard all 2 min 1 s", { timeout: 100_000 });
  await expect(more).toBeHidden();
});

test("axe finds nothing, empty and answered, in light, dark and forced colours, on a desk and on a phone", async ({ page, address }) => {
  await page.emulateMedia({ reducedMotion: "reduce" }); // no colour is seen half-way to the next
  await page.goto(`${address}?engine=cpu`);
  await expect(page.locator("#model-note")).toContainText("is ready", { timeout: 100_000 });
  expect(await violations(page), "empty").toEqual([]);
  await hear(page, "Two minutes: a voice, a piano, a horse");
  await ask(page, "What is this sound?");
  await page.locator("#timeline > summary").click();
  await page.locator("#advanced > summary").click();
  await page.locator("#cache > summary").click();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const [width, height] of [[1440, 900], [390, 844]] as const) {
      await page.setViewportSize({ width, height });
      expect(await violations(page), `${colorScheme}, ${width} px`).toEqual([]);
    }
  }
  await page.emulateMedia({ forcedColors: "active" });
  expect(await violations(page), "forced colours").toEqual([]);
  await page.screenshot({ path: `${SHOTS}page-forced-colours.png`, fullPage: true });
});
