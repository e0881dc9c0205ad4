/** The page and the microphone, and the page over plain HTTP. */

import { CHROMIUM_ARGUMENTS } from "./playwright.config.js";
import { SHOTS, ask, expect, hear, test } from "./support/page.js";

declare global {
  interface Window {
    /** The streams that the page opened. */
    streams: MediaStream[];
    /** A stream of a sound. */
    play(url: string): Promise<MediaStream>;
  }
}

test.use({
  launchOptions: {
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [...CHROMIUM_ARGUMENTS, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--host-resolver-rules=MAP af2.test 127.0.0.1"],
    chromiumSandbox: false,
  },
});

test.beforeEach(async ({ page }) => {
  await page.addInitScript(() => {
    window.streams = [];
    window.play = async (url) => {
      const context = new AudioContext();
      const player = new AudioBufferSourceNode(context, { buffer: await context.decodeAudioData(await (await fetch(url)).arrayBuffer()), loop: true });
      const { stream } = player.connect(context.createMediaStreamDestination()) as MediaStreamAudioDestinationNode;
      player.start();
      return stream;
    };
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    const open = devices?.getUserMedia.bind(devices);
    if (devices && open) devices.getUserMedia = async (constraints) => {
      const stream = await open(constraints);
      window.streams.push(stream);
      return stream;
    };
  });
});

const openTracks = () => window.streams.flatMap((stream) => stream.getTracks()).filter(({ readyState }) => readyState === "live").length;

test("a recording is heard; the microphone is closed then", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  await page.getByRole("button", { name: "Record" }).click();
  await expect(page.locator("#record")).toContainText(/Stop · 0:\d[1-9]/, { timeout: 60_000 });
  await page.locator("#record").click();
  await expect(page.locator("#sound-name")).toHaveText("Recording");
  await expect(page.locator("#listening")).toContainText("Heard all", { timeout: 100_000 });
  expect(await page.evaluate(openTracks)).toBe(0);
});

test("a sample during a recording closes the microphone and takes its place", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  await page.getByRole("button", { name: "Record" }).click();
  await expect(page.locator("#record")).toContainText(/Stop · 0:\d[1-9]/, { timeout: 60_000 });
  expect(await page.evaluate(openTracks)).toBe(1);
  await hear(page, "A cow");
  expect(await page.evaluate(openTracks)).toBe(0);
  await expect(page.locator("#sound-name")).toHaveText("A cow");
  await expect(page.locator("#record-label")).toHaveText("Record");
});

test("live captions come until they are stopped, checked by asking back", async ({ page, address }) => {
  await page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = async () => {
      const stream = await window.play("samples/cow.ogg");
      window.streams.push(stream);
      return stream;
    };
  });
  await page.goto(`${address}?engine=cpu`);
  await expect(page.locator("#model-note")).toContainText("is ready", { timeout: 100_000 });
  await page.getByRole("button", { name: "Live captions" }).click();
  await expect(page.locator("#live-log li").nth(1)).toBeVisible({ timeout: 100_000 });
  await expect(page.locator("#live-line")).toHaveText("cow", { timeout: 100_000 });
  await page.screenshot({ path: `${SHOTS}page-live.png` });
  await page.locator("#live").getByRole("button", { name: "Stop" }).click();
  await expect(page.locator("#live")).toBeHidden();
  expect(await page.evaluate(openTracks)).toBe(0);
});

test("over plain HTTP the page says what is missing, and the CPU answers", async ({ page, address }) => {
  await page.goto(address.replace("localhost", "af2.test"));
  await expect(page.locator("#banner")).toContainText("plain HTTP");
  await expect(page.locator("#model-note")).toHaveText("The demo is ready, 4.2 MB. This browser stores nothing here: the model is fetched at every visit.", { timeout: 100_000 });
  await expect(page.locator("#slow-note"), "the banner says it").toBeHidden();
  await hear(page, "A cow");
  await ask(page, "What is this sound?");
  await expect(page.locator(".answer-text")).toHaveText("it is a cow");
  await page.getByRole("button", { name: "Change" }).click();
  await page.getByRole("button", { name: "Record" }).click();
  await expect(page.locator("#banner")).toContainText("no microphone: it must be opened over HTTPS");
});
