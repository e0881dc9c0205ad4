/** The page as an app: it opens without a network, takes over newer builds as a whole, and can be installed. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { ask, expect, hear, test } from "./support/page.js";

const PAGE = fileURLToPath(new URL("../../web/dist/page/", import.meta.url));

test.use({ serviceWorkers: "allow" });

const stored = (page: Page) => expect(page.locator("#page-stored")).toContainText("open without a network", { timeout: 100_000 });

const builds = (page: Page) => page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("page-")));

test("reloaded without a network, the page hears and answers; no weight is stored twice", async ({ page, address, server }) => {
  await page.goto(`${address}?engine=cpu`);
  await expect(page.locator("#model-note")).toContainText("is ready", { timeout: 100_000 });
  await stored(page);
  await server.stop();
  await page.reload();
  await hear(page, "A cow");
  await ask(page, "What is this sound?");
  await expect(page.locator(".answer-text")).toHaveText("it is a cow");
  const cached = await page.evaluate(async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith("page-"));
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return { builds: names.length, files: requests.flat().map(({ url }) => new URL(url).pathname) };
  });
  expect(cached.builds).toBe(1);
  expect(cached.files.filter((file) => file.startsWith("/models/"))).toEqual(["/models/models.json"]);
  expect(cached.files.filter((file) => file.endsWith(".wasm"))).toEqual([expect.stringContaining("af2_cpu_bg")]);
});

test("a newer build takes over as a whole when it is wanted; one that is half there does not", async ({ page, address, server }) => {
  const [html, script] = await Promise.all(["index.html", "service-worker.js"].map((file) => readFile(`${PAGE}${file}`, "utf8"))) as [string, string];
  const newer = html.replace("<title>", "<title>New: ");
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const update = () =>
    page.evaluate(async () => {
      const registration = (await navigator.serviceWorker.getRegistration())!;
      await registration.update();
      const { installing } = registration;
      if (!installing) return registration.waiting ? "installed" : "none";
      return new Promise((resolve) => installing.addEventListener("statechange", () => resolve(installing.state)));
    });
  await page.goto(`${address}?engine=cpu`);
  await stored(page);
  await page.reload();
  expect(await update(), "the same build").toBe("none");
  server.serveText("/service-worker.js", script.replace(sha256(html), sha256(newer)).replace(/"version":"\w+"/, '"version":"newer"'), "text/javascript");
  expect(await update(), "its index.html is not there yet").toBe("redundant");
  await expect(page.locator("#update")).toBeHidden();
  server.serveText("/index.html", newer, "text/html");
  expect(await update()).toBe("installed");
  await expect(page.locator("#update")).toBeVisible();
  await page.reload();
  expect(await page.title(), "until it is wanted").not.toContain("New");
  await stored(page); // the present build tidies, and must leave the one that waits
  expect(await builds(page)).toHaveLength(2);
  await page.getByRole("button", { name: "Use it now" }).click();
  await expect(page).toHaveTitle(/^New: /);
  await stored(page);
  expect(await builds(page)).toEqual(["page-newer"]);
  await server.stop();
  await page.reload();
  await expect(page).toHaveTitle(/^New: /);
});

test("the page can be installed", async ({ page, address }) => {
  await page.goto(`${address}?engine=cpu`);
  const session = await page.context().newCDPSession(page);
  const { errors } = await session.send("Page.getAppManifest");
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  expect(errors).toEqual([]);
  // The tests' windows are private: nothing can be installed from them, and that is all that Chromium objects to.
  expect(installabilityErrors.map(({ errorId }) => errorId)).toEqual(["in-incognito"]);
});
