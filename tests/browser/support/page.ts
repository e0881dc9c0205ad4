/** The built page on a server of its own. Errors in the console and requests to other hosts fail the test. */

import { fileURLToPath } from "node:url";
import { type Page, expect, test as base } from "@playwright/test";
import { FlakyServer } from "./flaky-server.js";

const PAGE = fileURLToPath(new URL("../../../web/dist/page/", import.meta.url));
export const SHOTS = fileURLToPath(new URL("../../../target/screenshots/", import.meta.url));
export const SOUNDS = fileURLToPath(new URL("../../../weights/demo/sounds/", import.meta.url));

export const test = base.extend<{ server: FlakyServer; address: string }>({
  server: async ({}, use) => {
    const server = new FlakyServer();
    await server.start();
    server.policy = undefined; // the page has its own
    server.serveFolder("/", PAGE);
    await use(server);
    await server.stop();
  },
  address: async ({ page, server }, use) => {
    const foreign: string[] = [];
    const problems: string[] = [];
    page.on("request", (request) => !/^(blob:|http:\/\/(localhost|af2\.test))/.test(request.url()) && foreign.push(request.url()));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(error.message));
    await use(`${server.origin}/index.html`);
    expect(foreign, "requests to other hosts").toEqual([]);
    const expected = /net::ERR_(FAILED|CONNECTION_REFUSED)|status of 404/; // requests that the test blocked, or sent nowhere
    expect(problems.filter((text) => !expected.test(text)), "errors in the console").toEqual([]);
  },
});

// Software rendering on a busy machine is slow.
test.describe.configure({ timeout: 600_000 });

export { expect } from "@playwright/test";

/** Opens a sample sound by its title, and waits until the model has heard it. */
export async function hear(page: Page, title: string): Promise<void> {
  await page.getByRole("group", { name: "Sample sounds" }).getByRole("button", { name: title, exact: true }).click();
  await expect(page.locator("#listening")).toContainText("Heard", { timeout: 300_000 });
}

/** Asks, and waits for all answers. */
export async function ask(page: Page, question: string): Promise<void> {
  await page.locator("#question").fill(question);
  await page.keyboard.press("Enter");
  await expect(page.locator(".answer[data-streaming]")).toHaveCount(0, { timeout: 300_000 });
  await expect(page.locator(".answer-text").first()).not.toBeEmpty();
}

/** A WAV file of silence, 16 bits at 8 kHz. */
export function silence(seconds: number): { name: string; mimeType: string; buffer: Buffer } {
  const length = 16_000 * seconds;
  const buffer = Buffer.concat([Buffer.from("524946460000000057415645666d74201000000001000100401f0000803e00000200100064617461", "hex"), Buffer.alloc(4 + length)]);
  buffer.writeUInt32LE(buffer.length - 8, 4);
  buffer.writeUInt32LE(length, 40);
  return { name: "silence.wav", mimeType: "audio/wav", buffer };
}

/** Whether the page is wider than the screen. */
export function overflows(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
}
