/** The page when people are quicker than it, when things fail, and when the browser refuses. */

import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { SOUNDS, ask, expect, hear, test } from "./support/page.js";

/** Drops sounds on the page's heading, each 50 ms after the one before. */
async function drop(page: Page, names: string[]): Promise<void> {
  const files = await Promise.all(names.map(async (name) => ({ name, base64: (await readFile(`${SOUNDS}${name}`)).toString("base64") })));
  await page.evaluate(async (files) => {
    for (const { name, base64 } of files) {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0))], name));
      document.querySelector("h1")?.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }, files);
}

test("of two files dropped 50 ms apart the second is shown, drawn and heard", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  await expect(page.locator("#model-note")).toContainText("is ready", { timeout: 100_000 });
  await drop(page, ["two-minutes.ogg", "cow.ogg"]);
  await expect(page.locator("#listening")).toContainText("Heard all 6.6 s", { timeout: 100_000 });
  await expect(page.locator("#sound-name")).toHaveText("cow.ogg");
  await expect(page.locator("#sound-info")).toContainText("6.6 s");
  expect(Number(await page.locator("#seek").getAttribute("max"))).toBeCloseTo(6.6, 1);
  await expect(page.locator("#timeline"), "that is for long sounds").toBeHidden();
});

test("Change while listening ends listening, and a question goes to the new sound", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  await page.getByRole("group", { name: "Sample sounds" }).getByRole("button", { name: "Two minutes: a voice, a piano, a horse" }).click();
  await expect(page.locator("#listening")).toContainText("Listening", { timeout: 100_000 });
  await page.locator("#question").fill("What is this sound?");
  await page.keyboard.press("Enter");
  await expect(page.locator(".answer-text")).toHaveText("Waiting until the sound is heard…");
  await page.getByRole("button", { name: "Change" }).click();
  await expect(page.locator("#file")).toBeFocused();
  await expect(page.locator(".answer-text"), "that sound is gone").toHaveText("Stopped.");
  await hear(page, "A cow");
  await ask(page, "What is this sound?");
  const group = page.getByRole("region", { name: "Answers about A cow" });
  await expect(group.locator(".answer-text")).toHaveText("it is a cow");
});

test("answers stay with the sound that they are about, which can be asked again", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  await hear(page, "A cow");
  await ask(page, "What is this sound?");
  await hear(page, "Ducks");
  await ask(page, "What is this sound?");
  const [cow, ducks] = ["A cow", "Ducks"].map((name) => page.getByRole("region", { name: `Answers about ${name}` })) as [ReturnType<Page["getByRole"]>, ReturnType<Page["getByRole"]>];
  await expect(cow.locator(".answer-text")).toHaveText("it is a cow");
  await expect(ducks.locator(".answer-text")).toHaveText("it is a duck");
  await expect(cow.getByRole("button", { name: "Where?" }), "only of the sound that is shown").toHaveCount(0);
  await cow.getByRole("button", { name: "Ask again" }).click();
  await expect(page.locator("#sound-name")).toHaveText("A cow");
  await expect(cow.locator(".answer-text")).toHaveText(["it is a cow", "it is a cow"], { timeout: 100_000 });
});

test("a question without a sound is answered by a hint, which goes when there is a sound", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  await page.locator("#question").fill("What is this sound?");
  await page.keyboard.press("Enter");
  await expect(page.locator("#hint")).toContainText("Choose a sound first");
  await expect(page.locator(".answer")).toHaveCount(0);
  await hear(page, "A cow");
  await expect(page.locator("#hint")).toBeEmpty();
});

test("questions during an answer wait, and are answered in their order", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  await hear(page, "A cow");
  await page.evaluate(() => {
    const field = document.querySelector<HTMLInputElement>("#question");
    for (const question of ["What is this sound?", "Is there a cow?", "Is there a flute?"]) {
      if (field) field.value = question;
      document.querySelector<HTMLFormElement>("#ask")?.requestSubmit();
    }
  });
  await expect(page.locator(".answer")).toHaveCount(3);
  await expect(page.locator(".answer[data-status=done]")).toHaveCount(3, { timeout: 100_000 });
  await expect(page.locator(".answer-text")).toHaveText(["no", "yes", "it is a cow"]);
  await expect(page.locator("#send")).toHaveText("Ask");
});

test("a load that fails leaves the model at work", async ({ page, address, server }) => {
  await page.goto(`${address}?engine=cpu`);
  await hear(page, "A cow");
  await page.locator("#model-choice").selectOption({ label: "From an address…" });
  await page.locator("#model-url").fill(`${server.origin}/nowhere/`);
  await page.locator("#model-load").click();
  await expect(page.locator("#model-note")).toHaveText(/^config\.json: .* The demo stays in use\.$/, { timeout: 60_000 });
  await ask(page, "What is this sound?");
  await expect(page.locator(".answer-text")).toHaveText("it is a cow");
});

test("a lost GPU is said until the model works again, and the picture is drawn anew", async ({ page, address }) => {
  await page.addInitScript(() => {
    window.Worker = class extends Worker {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        addEventListener("lose", () => this.dispatchEvent(new MessageEvent("message", { data: { recovering: "the GPU was lost" } })));
      }
    };
  });
  await page.goto(`${address}?engine=cpu`);
  await hear(page, "A cow");
  const opacity = await page.locator("#picture").evaluate((canvas: HTMLCanvasElement) => {
    const context = canvas.getContext("2d")!;
    const centre = () => context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[3];
    const before = centre();
    context.reset();
    canvas.dispatchEvent(new Event("contextrestored"));
    return [before, centre()];
  });
  expect(opacity).toEqual([255, 255]);
  const lose = () =>
    page.evaluate(() => {
      dispatchEvent(new Event("lose"));
      return document.querySelector("#banner")?.textContent;
    });
  expect(await lose(), "nothing waits for it").toBe("");
  await page.getByRole("group", { name: "Sample sounds" }).getByRole("button", { name: "Two minutes: a voice, a piano, a horse" }).click();
  await expect(page.locator("#listening")).toContainText(/Listening: [1-9] of/, { timeout: 100_000 });
  expect(await lose()).toBe("The GPU was lost. The model is loaded again; what was running then goes on.");
  await expect(page.locator("#banner")).toBeHidden({ timeout: 100_000 });
});

test("the files of a chosen folder are listed before it is loaded", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  await page.locator("#model-choice").selectOption({ label: "From a local folder…" });
  await page.setInputFiles("#model-folder", SOUNDS.replace("sounds", "model"));
  await expect(page.locator("#model-files-summary")).toContainText("files, 4.");
  await page.locator("#model-files > summary").click();
  await expect(page.locator("#model-files-list")).toContainText("tokenizer.json");
});

test("a browser that refuses its storage still answers, and the page says so", async ({ page, address }) => {
  await page.addInitScript(() => {
    const refuse = () => {
      throw new DOMException("denied", "SecurityError");
    };
    Object.defineProperty(window, "localStorage", { get: refuse });
    Object.defineProperty(StorageManager.prototype, "estimate", { value: () => Promise.reject(new DOMException("denied", "SecurityError")) });
  });
  await page.goto(`${address}?engine=cpu`);
  await page.locator("#theme").click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await hear(page, "A cow");
  await ask(page, "What is this sound?");
  await expect(page.locator("#cache-summary")).toHaveText("refused by this browser");
});

test("a driver that never answers is given up in words, and the CPU answers", async ({ page, address }) => {
  await page.addInitScript(() => {
    Object.defineProperty(Navigator.prototype, "gpu", { get: () => ({ requestAdapter: () => new Promise(() => undefined) }) });
  });
  await page.route("**/worker*.js", (route) => route.abort()); // on the main thread the page's GPU is asked
  await page.clock.install();
  await page.goto(address);
  await expect(page.locator("#device-name")).toHaveText("Looking for a GPU…");
  await page.clock.fastForward(21_000);
  await expect(page.locator("#slow-note")).toContainText("The graphics driver does not answer");
  await expect(page.locator("#model-note")).toContainText("is ready", { timeout: 100_000 });
  await expect(page.locator("#device-name")).toHaveText("CPU");
  await page.unrouteAll();
});
