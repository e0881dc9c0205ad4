/** The page: with a mouse, by keyboard, without WebGPU and without a worker, at two widths. Writes screenshots. */

import { fileURLToPath } from "node:url";
import { expect, test as base } from "@playwright/test";
import { FlakyServer } from "./support/flaky-server.js";

const PAGE = fileURLToPath(new URL("../../web/dist/page/", import.meta.url));
const SHOTS = fileURLToPath(new URL("../../target/screenshots/", import.meta.url));

const test = base.extend<{ address: string }>({
  address: async ({ page }, use) => {
    const server = new FlakyServer();
    await server.start();
    server.policy = undefined; // the page has its own
    server.serveFolder("/", PAGE);
    const foreign: string[] = [];
    const problems: string[] = [];
    page.on("request", (request) => !/^(blob:|http:\/\/localhost)/.test(request.url()) && foreign.push(request.url()));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(error.message));
    await use(`${server.origin}/index.html`);
    expect(foreign, "requests to other hosts").toEqual([]);
    const unexpected = problems.filter((text) => !text.includes("net::ERR_FAILED")); // a request that the test blocked
    expect(unexpected, "errors in the console").toEqual([]);
    await server.stop();
  },
});

// Software rendering on a busy machine is slow.
test.describe.configure({ timeout: 600_000 });

for (const [name, width, height, colorScheme] of [
  ["desktop", 1280, 900, "light"],
  ["desktop-dark", 1280, 900, "dark"],
  ["phone", 390, 844, "light"],
] as const) {
  test(`a sample sound is heard and answered (${name})`, async ({ page, address }) => {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await page.goto(name === "desktop" ? `${address}?engine=webgpu` : address);
    await page.getByRole("group", { name: "Sample sounds" }).getByRole("button").first().click();
    await expect(page.locator("#listening")).toContainText("Heard in", { timeout: 300_000 });
    await page.getByRole("textbox").fill("What is this sound?");
    await page.keyboard.press("Enter");
    await expect(page.locator(".answer:not([data-streaming]) .answer-text").first()).not.toBeEmpty({ timeout: 200_000 });
    await expect(page.locator(".answer-meta").first()).toContainText("tokens/s");
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    await page.screenshot({ path: `${SHOTS}page-${name}.png`, fullPage: true });
  });
}

test("the GPU is measured, kernel by kernel", async ({ page, address }) => {
  await page.goto(`${address}?engine=webgpu`);
  await page.getByRole("button", { name: "Measure this machine" }).click({ timeout: 300_000 });
  await expect(page.getByRole("row", { name: "Matmul rate" })).toContainText("GFLOP/s", { timeout: 300_000 });
  await page.getByText("Kernels per window").click();
  await page.getByText("Kernels per token").click();
  await expect(page.getByRole("row", { name: /window_attention × \d+/ })).toContainText("%");
  await expect(page.getByRole("row", { name: /matvec_block_q4 × \d+/ })).toContainText("%");
  await expect(page.getByRole("row", { name: "Kernels" })).toContainText("matmul block");
  await page.getByRole("button", { name: "Find the fastest kernels" }).click();
  await expect(page.locator("#bench-status")).toContainText("The fastest here: ", { timeout: 300_000 });
  await page.locator("#bench-result").screenshot({ path: `${SHOTS}kernels.png` });
});

test("without WebGPU, and even without a worker, the page says so, the CPU answers and is measured", async ({ page, address }) => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.addInitScript(() => Object.defineProperty(Navigator.prototype, "gpu", { get: () => undefined }));
  await page.route("**/worker*.js", (route) => route.abort());
  await page.goto(address);
  await expect(page.getByText("your CPU answers instead")).toBeVisible();
  await expect(page.locator("#device-name")).toHaveText("CPU");
  await page.getByRole("group", { name: "Sample sounds" }).getByRole("button").first().click();
  await expect(page.locator("#listening")).toContainText("Heard in", { timeout: 100_000 });
  await page.getByRole("textbox").fill("What is this sound?");
  await page.keyboard.press("Enter");
  await expect(page.locator(".answer:not([data-streaming]) .answer-text").first()).not.toBeEmpty({ timeout: 100_000 });
  await page.getByRole("button", { name: "Measure this machine" }).click();
  await expect(page.getByRole("row", { name: "Further tokens" })).toContainText("tokens/s", { timeout: 100_000 });
  await expect(page.getByRole("button", { name: "Find the fastest kernels" })).toBeDisabled();
  await page.getByRole("button", { name: "Copy as text" }).click();
  await expect(page.locator("#bench-status")).toHaveText("Copied.");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^Model: .+\nAdapter: CPU \(WebAssembly\)\n[^]+tokens\/s\n$/);
  for (const [name, width, height] of [["desktop", 1280, 900], ["phone", 390, 844]] as const) {
    await page.setViewportSize({ width, height });
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
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
  for (let press = 0; press < 25; press++) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement?.id ?? ""));
  }
  for (const id of ["file", "record", "question", "send", "model-choice", "theme"]) expect(reached).toContain(id);
});
