/** The page: with a mouse, by keyboard, without WebGPU and without a worker, at two widths. Writes screenshots. */

import type { Page } from "@playwright/test";
import { SHOTS, ask, expect, hear, overflows, test } from "./support/page.js";

for (const [name, width, height, colorScheme] of [
  ["desktop", 1440, 900, "light"],
  ["desktop-dark", 1440, 900, "dark"],
  ["phone", 390, 844, "light"],
] as const) {
  const measured = name === "desktop" ? ", and the GPU is measured" : "";
  test(`a sample sound is heard and answered (${name})${measured}`, async ({ page, address }) => {
    if (name === "desktop") test.setTimeout(600_000); // measures every kernel
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await page.goto(name === "desktop" ? `${address}?engine=webgpu` : address);
    await hear(page, "A cow, then ducks");
    await ask(page, "Is there a cow?");
    await expect(page.locator(".answer-sure").first()).toHaveText(/^(sure|fairly sure|not sure|a guess), (over )?\d+\s%$/);
    await expect(page.locator("#info-speed")).toContainText("tokens/s");
    if (name === "desktop") await expect(page.locator("#device-name")).toHaveText("Software rendering, slow");
    expect(await overflows(page)).toBe(false);
    await page.getByRole("button", { name: "Where?" }).click();
    await expect(page.locator(".intervals")).toBeVisible({ timeout: 300_000 });
    await page.screenshot({ path: `${SHOTS}page-${name}.png`, fullPage: true });
    if (name === "desktop") await measure(page);
  });
}

/** Measures the GPU, kernel by kernel: on the page that has a model on one. */
async function measure(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Measure this machine" }).click();
  await expect(page.getByRole("row", { name: "Further tokens" })).toContainText("tokens/s", { timeout: 300_000 });
  await expect(page.getByRole("row", { name: "Matmul rate" }), "kernels concern few people").toBeHidden();
  await page.getByText("Advanced").click();
  await expect(page.getByRole("row", { name: "Matmul rate" })).toContainText("GFLOP/s");
  await expect(page.locator("#info-verified"), "the demo model's index lists what it must answer").toHaveText("passed");
  await page.getByText("Kernels per window").click();
  await page.getByText("Kernels per token").click();
  await expect(page.getByRole("row", { name: /window_attention_f32 × \d+/ })).toContainText("%");
  await expect(page.getByRole("row", { name: /matvec_block_q4 × \d+/ })).toContainText("%");
  await expect(page.getByRole("row", { name: "Kernels" })).toContainText("matmul block");
  await page.getByRole("button", { name: "Find the fastest kernels" }).click();
  await expect(page.locator("#bench-status")).toContainText("The fastest here: ", { timeout: 300_000 });
  await page.locator("#advanced").screenshot({ path: `${SHOTS}kernels.png` });
}

test("without WebGPU, and even without a worker, the page says so, the CPU answers and is measured", async ({ page, address }) => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.addInitScript(() => Object.defineProperty(Navigator.prototype, "gpu", { get: () => undefined }));
  await page.route("**/worker*.js", (route) => route.abort());
  await page.goto(address);
  await expect(page.getByText("your CPU answers instead")).toBeVisible();
  await expect(page.locator("#device-name")).toHaveText("CPU");
  await hear(page, "A cow");
  await ask(page, "What is this sound?");
  await page.getByRole("button", { name: "Measure this machine" }).click();
  await expect(page.getByRole("row", { name: "Further tokens" })).toContainText("tokens/s", { timeout: 100_000 });
  await page.getByText("Advanced").click();
  await expect(page.getByRole("button", { name: "Find the fastest kernels" })).toBeDisabled();
  await page.getByRole("button", { name: "Copy as text" }).click();
  await expect(page.locator("#bench-status")).toHaveText("Copied.");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^Model: .+\nAdapter: CPU \(WebAssembly\)\n[^]+tokens\/s\n$/);
  for (const [name, width, height] of [["desktop", 1440, 900], ["phone", 390, 844]] as const) {
    await page.setViewportSize({ width, height });
    expect(await overflows(page)).toBe(false);
    await page.screenshot({ path: `${SHOTS}page-cpu-${name}.png`, fullPage: true });
  }
  await page.unrouteAll();
});

test("every control has a name and can be reached by keyboard", async ({ page, address }) => {
  await page.goto(address);
  await expect(page.locator("#device-name")).not.toContainText("Looking");
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("button, input, select, summary")]
      .filter((control) => control.checkVisibility())
      .filter((control) => {
        const labels = (control as HTMLInputElement).labels;
        return !(control.ariaLabel || control.textContent?.trim() || labels?.[0]?.textContent?.trim());
      })
      .map((control) => control.id),
  );
  expect(nameless).toEqual([]);
  const reached = new Set<string>();
  for (let press = 0; press < 30; press++) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement?.id ?? ""));
  }
  for (const id of ["file", "record", "live-start", "question", "send", "model-choice", "theme"]) expect(reached).toContain(id);
});
